// docs/methods.md and a page and a picture a method say what the catalogue, the command line and the committed board say.
// Kills: a method left out, a second name, a page written by hand, a page of a method that is gone, a board drawn before it was run again.
import { catalogue } from '@sublinear/attention'
import { readFileSync, readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { methodFiles } from '../method-pages.mjs'
import { methodsPage } from '../methods-table.mjs'

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
