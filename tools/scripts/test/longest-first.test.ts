// The order of test files. Kills: short files first, projects mixed (a worker begins anew at each change), a project of one long file at the end, durations of another tree.
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { inOrder } from '../longest-first.mjs'

test('the longest of a project come first, and the project of the longest of all', () => {
  const files = [
    { project: 'a', seconds: 1 },
    { project: 'b', seconds: 58 },
    { project: 'a', seconds: 40 },
    { project: 'b', seconds: 0 },
    { project: 'c', seconds: 0 },
    { project: 'a', seconds: 3 },
  ]
  expect(inOrder(files).map(({ project, seconds }) => `${project} ${seconds}`)).toEqual([
    'b 58',
    'b 0',
    'a 40',
    'a 3',
    'a 1',
    'c 0',
  ])
})

test('most durations are of files that there are', () => {
  const seconds = JSON.parse(readFileSync(new URL('../longest-first.json', import.meta.url), 'utf8')) as object
  const paths = Object.keys(seconds)
  expect(paths.length).toBeGreaterThan(50)
  const gone = paths.filter((path) => !existsSync(new URL(`../../../${path}`, import.meta.url)))
  expect(gone.length, gone.join(', ')).toBeLessThan(paths.length / 5)
})
