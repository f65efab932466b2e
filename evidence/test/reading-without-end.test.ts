// The page "Reading without end" and its pictures against the committed results, the choice against the search, one read against its committed row.
// Kills: a table edited by hand, a stack that the search did not choose, budgets that are exceeded, texts, words or needles that changed since.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { HELD_OUT } from '../whole-models/prompt-sets.ts'
import { CANDIDATES } from '../reading-without-end/candidates.ts'
import { CHOSEN } from '../reading-without-end/chosen.ts'
import { judged, recall } from '../reading-without-end/found.ts'
import { longRead } from '../reading-without-end/long-read.ts'
import { everything, specOf } from '../reading-without-end/stacks.ts'
import { chosenByRule } from '../reading-without-end/tables.ts'
import { PAGES, pictures } from '../reading-without-end/ask.ts'
import { loadModel } from '../kit/text-captures.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

test.each(Object.entries(PAGES))(
  '%s says what was found: `node evidence/reading-without-end/ask.ts`',
  (path, withTables) => {
    const page = read(path)
    expect(withTables(page)).toBe(page)
  },
)

test.each(Object.entries(pictures()))(
  'the picture of %s shows what was found, in letters of 12 pixels and more',
  (name, svg) => {
    expect(read(`../reading-without-end/${name}.svg`)).toBe(svg)
    expect(/ width="830"/.test(svg)).toBe(true)
    for (const [, size] of svg.matchAll(/font-size="(\d+)"/g)) expect(Number(size)).toBeGreaterThanOrEqual(11)
  },
)

test.each(Object.keys(CANDIDATES).map(Number))('within %i bytes the search chose what is judged', (budget) => {
  expect(CHOSEN[budget]).toEqual(chosenByRule(budget))
})

describe.each(judged().map((one) => [one.name, one] as const))('%s', (_, one) => {
  test('stays within its bytes, flat, and is asked a hundred times a cell', () => {
    for (const { stream, kind, bytes } of one.rows.filter((row) => row.stream.startsWith('endless'))) {
      const budget = 1000 * Number(/[\d.]+/.exec(stream)![0])
      expect(bytes[0], kind).toBeLessThanOrEqual(budget)
      expect(bytes[0] - bytes[1]).toBe(0)
    }
    const [, asked] = recall(one, 'endless, 128 kB', 10_000, ({ kind }) => kind === 'short')
    expect(asked).toBeGreaterThanOrEqual(100)
  })
})

test('a read done again gives the committed answers', () => {
  const model = loadModel('sharp')
  const ids = model.tokenizer.encode(read('../kit/texts/state-of-the-union.txt'))
  const row = judged()[0].rows.find(({ stream, kind, text, part }) => stream === 'exact' && kind === 'short' && text === 'state-of-the-union' && part === 1)! // prettier-ignore
  const needles = [300, 10_000].flatMap((first) => Array.from({ length: 9 }, (_, i) => ({ at: first + 200 * i, asked: [1500] }))) // prettier-ignore
  const { answers } = longRead({ model, stream: everything, ids, from: 13_000, tokens: 3800, needles, words: HELD_OUT.words!, seed: 2, windows: [] }) // prettier-ignore
  expect(answers.flatMap((own, needle) => own.map(({ asked, isRight }) => [needle, asked, Number(isRight)]))).toEqual(
    row.answers.filter(([, back]) => back === 1500),
  )
})

test('questions leave no trace: a reader that was asked reads on as one that was not', () => {
  const model = loadModel('bounded')
  const ids = model.tokenizer.encode(read('../kit/texts/moby-dick-later.txt'))
  const common = { model, stream: specOf({ window: 40, sinks: 2, far: 10, clamp: 40, most: 100, buffer: 16 }), ids, from: 0, tokens: 1400, words: HELD_OUT.words!, seed: 1, windows: [800] } // prettier-ignore
  const [asked, silent] = [[50, 200], []].map((back) => longRead({ ...common, needles: [{ at: 100, asked: back }] }))
  expect(asked.answers[0].length).toBe(2)
  expect(asked.bits[0]).toBeCloseTo(silent.bits[0], 5) // calls end elsewhere, which rounds otherwise
})
