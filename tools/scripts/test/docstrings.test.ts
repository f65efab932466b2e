import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { dangling } from '../docstrings.mjs'

// A docstring begins with a verb or a noun. Kills: a list of words that matches nothing, one that matches words of which they are a part, a line
// counted from the comment's end, a first word on the second line that is not seen, a cost that editors show as part of @throws, a check that lint does not run.

const SCRIPT = fileURLToPath(new URL('../docstrings.mjs', import.meta.url))

test.each([
  ['/** Of the cache, its inverse. */', 'Of the cache, its inverse.'],
  ['/** What stays. */', 'What stays.'],
  ['/** Both. */', 'Both.'],
  ['/** Those with one size. */', 'Those with one size.'],
  ['/** Which of them. */', 'Which of them.'],
  ['/**\n * That of the next one.\n * @returns a number\n */', 'That of the next one.'],
  ['/** By layer. */', 'By layer.'],
  ['/** The same. */', 'The same.'],
])('%s is refused', (text, words) => {
  expect(dangling(`const x = 1\n\n  ${text}\nconst y = 2\n`)).toEqual([{ line: 3, words }])
})

test.each([
  '/** Offers a token; what leaves is returned. */',
  '/** Whether the rest takes a share of the bytes. */',
  '/** Share of the cache, as its inverse. */',
  '/** Inverse of a matrix. */',
  '/** Sorted by layer. */',
  '/** The same for a stream shorter by this rate. */',
  '/* Of a plain comment nothing is asked. */',
  '// What stands here is no docstring.',
])('%s passes', (text) => {
  expect(dangling(text)).toEqual([])
})

test('guarantee and cost stand before the first tag', () => {
  const late =
    '/**\n * Adds rows.\n *\n * @throws RangeError when they do not fit\n * Guarantee: exact.\n * Cost: O(n).\n */'
  expect(dangling(late)).toEqual([{ line: 1, words: 'Guarantee behind a tag' }])
  const early =
    '/**\n * Adds rows.\n *\n * Guarantee: exact.\n * Cost: O(n).\n *\n * @throws RangeError when the Cost is too high\n */'
  expect(dangling(early)).toEqual([])
  expect(dangling(`${early}\n${early}`)).toEqual([])
})

test('the repository has none', () => {
  expect(execFileSync(process.execPath, [SCRIPT], { encoding: 'utf8' })).toMatch(/^docstrings of \d{4} files/)
})
