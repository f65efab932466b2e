// docs/methods.md and a page and a picture a method say what the catalogue, the command line and the committed board say.
// Kills: a method left out, a second name, a page written by hand, a page of a method that is gone, a board drawn before it was run again.
import { catalogue } from '@sublinear/attention'
import { readFileSync, readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { methodFiles } from '../method-pages.mjs'
import { whichRows } from '../../../apps/docs/.vitepress/theme/which-rows.ts'
import { methodsPage } from '../methods-table.mjs'
import { whichMethodFile } from '../which-method.mjs'

const docs = new URL('../../../docs/', import.meta.url)

it('is what the catalogue says', () => {
  expect(readFileSync(new URL('methods.md', docs), 'utf8')).toBe(methodsPage(catalogue))
})

it('has every name once', () => {
  const names = catalogue.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

it('has a page and a picture for every method, and no other file', () => {
  const files = methodFiles(catalogue)
  expect(readdirSync(new URL('methods/', docs)).toSorted()).toEqual(Object.keys(files).toSorted())
  for (const [name, text] of Object.entries(files)) {
    expect.soft(readFileSync(new URL(`methods/${name}`, docs), 'utf8') === text, name).toBe(true)
  }
})

const row = (stream: string, ...errors: (number | null)[]) => ({ stream, budget: '1/4', errors })

// Kills: a page that is older than the board, a method without a result on some head ranked among those with one, a middle taken of unsorted numbers, heads counted that
// another method answers better.
it('has a page to choose by, from the board as it is', () => {
  expect(readFileSync(new URL('which-method.md', docs), 'utf8')).toBe(whichMethodFile())
  const rows = [row('a', 0.4, 0.1, 0.2, 0.3), row('b', 0.41, 0.2, 0.2, 0.1), row('c', 0, null, 0, 0)]
  expect(whichRows({ models: [{ model: 'm', heads: ['0', '1', '2', '3'], uniform: [], rows }] })).toEqual([
    { model: 'm', budget: '1/4', method: 'a', median: 0.25, worst: 0.4, near: 3, heads: 4 },
    { model: 'm', budget: '1/4', method: 'b', median: 0.2, worst: 0.41, near: 3, heads: 4 },
  ])
})
