// The built evaluations, as a user runs them: whole, killed and resumed, from files that are none of theirs.
// Kills: outcomes kept only at the end (a killed run begins anew), tasks done twice after a kill, a half-written line taken for an outcome or
// for damage, a refused file written to, results that depend on the threads, colours or bars in a pipe, exact counted against a budget.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { catalogue } from '@sublinear/attention'
import { mcnemar } from '@sublinear/small-lm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluationText, heatMapText } from '../src/evaluation/evaluation-text'
import type { Evaluation } from '../src/evaluation/results'
import { callSublinear } from './call-sublinear'
import { runSublinear, type Result } from './run-sublinear'

let folder: string
const at = (name: string) => join(folder, name)

const sublinear = (args: readonly string[], interrupt?: () => boolean) =>
  interrupt ? runSublinear(args, { interrupt }) : callSublinear(args)

const small = ['--models', 'sharp', '--streams', 'exact,streamingLlm,quantised', '--lengths', '400', '--budgets', '1/4']
const needle = ['needle', ...small, '--contexts', '3', '--workers', '2']
const advice = (head: object) => Array.from({ length: 4 }, () => [head, head, head, head])
const advisedRow = ({ stdout }: Result) =>
  (JSON.parse(stdout) as Evaluation).cells.find(({ method }) => method === 'advised')!
const linesOf = (name: string) => readFileSync(at(name), 'utf8').split('\n').slice(0, -1)
/** Questions that the first answered and the second did not. */
const only = (a: string, b: string) => Array.from(a).filter((answer, i) => answer === '1' && b[i] === '0').length
const without = ({ cells, protocol }: Evaluation) => ({ cells, protocol })

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sublinear-needle-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('sublinear needle', () => {
  test('asks every method the same questions, within its budget', async () => {
    const { code, stdout, stderr } = await sublinear([...needle, '--json', '--resume', at('whole.jsonl')])
    expect([code, stderr]).toEqual([0, ''])
    const found = JSON.parse(stdout) as Evaluation
    expect(Object.keys(found)).toEqual(['version', 'reproduce', 'protocol', 'cells'])
    expect(found.protocol).toMatchObject({ kind: 'needle', text: 'persuasion', distractors: 3, seed: 1 })
    expect(found.cells.map(({ method, budget, outcome }) => [method, budget, outcome])).toEqual([
      ['exact', '1', 'within'],
      ['streamingLlm', '1/4', 'within'],
      ['quantised', '1/4', 'within'],
    ])
    const [exact, window, quantised] = found.cells
    expect(window.budgetBytes).toBe((400 * 16 * 2 * 32 * 4) / 4)
    expect(window.ofFloat16).toBe(0.5)
    for (const { peakBytes, budgetBytes } of [window, quantised]) expect(peakBytes).toBeLessThanOrEqual(budgetBytes)
    expect(exact.needles!.recall).toBeGreaterThan(0.7) // 0.94 expected of 15
    expect(window.needles!.recallAt.slice(0, 3)).toEqual([0, 0, 0]) // older than a quarter of the text
    for (const { needles } of found.cells) {
      expect(needles!.answers.join('').replaceAll('0', '').length).toBe(needles!.right)
      expect(needles!.questions).toBe(15)
    }
    const against = window.needles!.against.find(({ method }) => method === 'exact')!
    const pairs = window.needles!.answers.join('')
    const truth = exact.needles!.answers.join('')
    expect([against.onlyThis, against.onlyThat]).toEqual([only(pairs, truth), only(truth, pairs)])
    expect(against.p).toBe(mcnemar({ firstOnly: only(pairs, truth), secondOnly: only(truth, pairs) }))
    expect(linesOf('whole.jsonl').length).toBe(1 + 9)
  })

  test('goes on after a kill, with what was done, and ends as if there had been none', async () => {
    const file = at('killed.jsonl')
    const enough = () => existsSync(file) && linesOf('killed.jsonl').length >= 3
    const killed = await sublinear([...needle, '--resume', file], enough)
    const before = linesOf('killed.jsonl')
    expect([0, 130]).toContain(killed.code)
    expect(before.length).toBeGreaterThanOrEqual(3)
    writeFileSync(file, `${before.slice(0, 3).join('\n')}\n{"key":"sharp exact 1 400 2","rig`) // a line cut by the kill
    const { code, stdout } = await sublinear([...needle, '--json', '--workers', '1', '--resume', file])
    expect(code).toBe(0)
    expect(linesOf('killed.jsonl').slice(0, 3)).toEqual(before.slice(0, 3))
    expect(linesOf('killed.jsonl').toSorted()).toEqual(linesOf('whole.jsonl').toSorted())
    const again = await sublinear([...needle, '--json', '--resume', at('whole.jsonl')])
    expect(without(JSON.parse(stdout) as Evaluation)).toEqual(without(JSON.parse(again.stdout) as Evaluation))
  })

  test('refuses files that are none of its own, and leaves them as they are', async () => {
    const [first, second] = linesOf('whole.jsonl')
    const outcome = JSON.parse(second) as Record<string, unknown>
    const wrong: readonly (readonly [string, string])[] = [
      ['my diary', 'is not a file of an earlier run'],
      ['my diary\n', 'line 1 is not a JSON object'],
      ['{"kind":"recipes"}\n', 'is not a file of an earlier run'],
      [`${first.replace('"seed":1', '"seed":2')}\n`, 'was begun with other texts or questions'],
      [`${first}\n[]\n`, 'line 2 is not a JSON object'],
      [`${first}\n${JSON.stringify({ ...outcome, right: [true] })}\n`, 'line 2 is not an outcome of a task'],
      [`${first}\n${JSON.stringify({ ...outcome, peakBytes: -1 })}\n`, 'line 2 is not an outcome of a task'],
      [`${first}\n${JSON.stringify({ ...outcome, key: '__proto__' })}\n`, 'line 2 has no key that a task has'],
      [`${first}\n${second}\n${JSON.stringify({ ...outcome, peakBytes: 1 })}\n`, 'line 3 contradicts an earlier one'],
    ]
    for (const [text, what] of wrong) {
      writeFileSync(at('wrong.jsonl'), text)
      const { code, stderr } = await sublinear([...needle, '--resume', at('wrong.jsonl')])
      expect(stderr).toContain(what)
      expect(code).toBe(2)
      expect(readFileSync(at('wrong.jsonl'), 'utf8')).toBe(text)
    }
  })

  test('refuses what cannot be asked', async () => {
    expect((await sublinear(['needle', '--streams', 'magic'])).code).toBe(1)
    expect((await sublinear(['needle', '--budgets', '0/4'])).code).toBe(1)
    const short = await sublinear(['needle', '--lengths', '20'])
    expect([short.code, short.stderr]).toEqual([2, expect.stringContaining('tokens must leave')])
    const lost = await sublinear([...needle, '--text', at('nowhere.txt')])
    expect(lost.code).toBe(2)
    for (const [change, words] of [
      [{ kind: 'sublinear recipes' }, 'is not a file of advice'],
      [{ text: 'persuasion', advice: {} }, 'was made from persuasion, the text that is read'],
      [{ text: 'mine.txt', advice: {} }, 'was made from mine.txt, and has none for sharp 1/4 400'],
      [{ advice: { 'sharp 1/4 400': [[{}]] } }, 'must be 4 layers of 4 heads'],
      [{ advice: { 'sharp 1/4 400': advice({ method: 'magic', options: {} }) } }, 'no method is called "magic"'],
      [{ advice: { 'sharp 1/4 400': advice({ method: 'window', options: {} }) } }, 'window: count must be an integer'],
    ] as const) {
      writeFileSync(
        at('advice.json'),
        JSON.stringify({ kind: 'sublinear advice', version: 1, text: 'romans', ...change }),
      )
      const hostile = await sublinear([...needle, '--advice', at('advice.json')])
      expect([hostile.code, hostile.stderr]).toEqual([2, expect.stringContaining(words)])
    }
  })

  test('a row as advised: every head with its own method and options', async () => {
    const given = { 'sharp 1/4 400': advice({ method: 'window', options: { count: 100, buffer: 1 } }) }
    writeFileSync(
      at('given.json'),
      JSON.stringify({ kind: 'sublinear advice', version: 1, text: 'romans', advice: given }),
    )
    const { code, stdout, stderr } = await sublinear([
      ...needle,
      '--stream',
      'exact',
      '--advice',
      at('given.json'),
      '--json',
    ])
    expect([code, stderr]).toEqual([0, ''])
    const row = advisedRow({ code, stdout, stderr })
    expect(row).toMatchObject({ budget: '1/4', version: expect.stringMatching(/^[\da-f]+$/) })
    expect(row.peakBytes).toBe(16 * 101 * 256)
    expect(row.needles!.recallAt.slice(0, 3)).toEqual([0, 0, 0])
  })

  test('advice that a file lacks is made from another text, kept, and taken again', async () => {
    const args = [...needle, '--stream', 'exact', '--advice', at('made.json'), '--contexts', '1', '--json']
    const first = await sublinear(args)
    expect([first.code, first.stderr]).toEqual([0, ''])
    const made = readFileSync(at('made.json'), 'utf8')
    const { text, advice: all } = JSON.parse(made) as { text: string; advice: Record<string, { method: string }[][]> }
    expect([text, Object.keys(all)]).toEqual(['revelation', ['sharp 1/4 400']])
    const names = catalogue.map(({ name }) => name)
    const heads = all['sharp 1/4 400'].flat()
    expect([heads.length, heads.filter(({ method }) => !names.includes(method))]).toEqual([16, []])
    expect(advisedRow(first)).toMatchObject({ outcome: 'within' })
    const again = await sublinear(args)
    expect(advisedRow(again)).toEqual(advisedRow(first))
    expect(readFileSync(at('made.json'), 'utf8')).toBe(made)
  })

  test('fits a narrow terminal, and writes one page that loads nothing', async () => {
    const page = at('needle.html')
    const { stdout } = await sublinear([...needle, '--resume', at('whole.jsonl'), '--report', page])
    expect(stdout).toContain('sharp, 400 tokens')
    expect(stdout).not.toContain('\u001B')
    const html = readFileSync(page, 'utf8')
    expect(html).toContain('<svg')
    expect(html).not.toMatch(/(src|href)=|url\(|@import|https?:\/\/(?!www\.w3\.org)/)
    const { stdout: json } = await sublinear([...needle, '--json', '--resume', at('whole.jsonl')])
    const found = JSON.parse(json) as Evaluation
    for (const text of [evaluationText(found, 40), heatMapText(found, 40)])
      expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(40)
  })
})

describe('sublinear perplexity', () => {
  test('is bits per byte of the same windows, above exact where tokens are forgotten', async () => {
    const { code, stdout } = await sublinear(['perplexity', ...small, '--windows', '2', '--workers', '2', '--json'])
    expect(code).toBe(0)
    const { cells } = JSON.parse(stdout) as Evaluation
    const [exact, window, quantised] = cells.map(({ perplexity }) => perplexity!)
    expect(exact.bitsPerByte).toBeGreaterThan(1)
    expect(exact.bitsPerByte).toBeLessThan(2.5)
    expect(exact.aboveExact).toBe(0)
    expect(window.bytes).toBe(exact.bytes)
    expect(window.aboveExact).toBeCloseTo(window.bits / window.bytes - exact.bits / exact.bytes, 12)
    expect(Math.abs(quantised.aboveExact!)).toBeLessThan(0.05)
  })
})
