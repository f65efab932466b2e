// Every question has its folder, its files and its line in the index, and all of them say what the results say. Kills: a question that is not listed, a folder without
// its four files, an exception that is no longer needed, a page, picture, table or index edited by hand, a date of no measurement.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { questions } from '../kit/all-questions.ts'
import { allApart, dates, fileOf, pageText, resultOf, withAnswer } from '../kit/experiment.ts'
import { allQuestions, firstQuestions, indexText, withIndex } from '../kit/index-page.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const FILES = ['ask.ts', 'result.json', 'picture.svg', 'README.md']
const FEW = 'a few numbers, which the table of its page shows'
const OWN = 'runs write a file a model, since they take hours or a model at a time'
/** Questions without one of the four files, and why. */
const WITHOUT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'picture.svg': {
    'first-tokens': FEW,
    'longer-pilots': FEW,
    'forks-and-trials': FEW,
    'long-sums': FEW,
    'random-programs': FEW,
    'recovery-trials': FEW,
    'small-lm': FEW,
    'turned-keys': FEW,
    'which-counter': FEW,
  },
  'result.json': { 'fixed-memory': OWN, 'reading-without-end': OWN },
}

const folders = globSync('*/ask.ts', { cwd: root }).map((path) => basename(dirname(path)))

test('every folder is a question of the list, once', () => {
  const names = questions.map(({ name }) => name)
  expect(folders.length).toBeGreaterThan(35)
  expect(names.toSorted()).toEqual(folders.toSorted())
  const others = globSync('*/', { cwd: root }).map((path) => basename(path))
  const kept = ['kit', 'test', 'cache', 'node_modules']
  expect(others.filter((name) => !kept.includes(name) && !folders.includes(name))).toEqual([])
})

describe.each(questions.map((one) => [one.name, one] as const))('%s', (name, one) => {
  test.each(FILES)('has %s, or a reason', (file) => {
    expect(existsSync(fileOf(name, file))).toBe(WITHOUT[file]?.[name] === undefined)
  })

  test('has a page and a picture of its result: `node evidence/kit/draw-all.ts`', () => {
    const result = resultOf(one)
    expect(withAnswer(pageText(one), one, result)).toBe(pageText(one))
    if (one.picture) expect(one.picture(result)).toBe(readFileSync(fileOf(name, 'picture.svg'), 'utf8'))
    const apart = allApart(one)
    if (apart) expect(apart).toBe(readFileSync(fileOf(name, 'all-heads.md'), 'utf8'))
  })

  test('asks and answers in a line, on a day', () => {
    expect(one.question).toMatch(/^[A-Z].{15,110}\?$/)
    const line = one.inALine(resultOf(one)) as string
    expect(line).toMatch(/^\S[^\n]{9,400}$/)
    expect(line).not.toMatch(/undefined|NaN|Infinity/)
    expect(dates()[name]).toMatch(/^20\d\d-\d\d-\d\d$/)
  })
})

test('no date is of a question that is gone', () => {
  expect(Object.keys(dates())).toEqual(folders.toSorted())
})

test('the index is that of the results, and begins with ten questions: `node evidence/kit/draw-all.ts`', () => {
  expect(withIndex(indexText())).toBe(indexText())
  expect(firstQuestions().split('\n').length).toBe(10)
  for (const name of folders) expect(allQuestions()).toContain(`(${name}/README.md)`)
})
