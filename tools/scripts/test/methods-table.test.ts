// docs/methods.md lists every method of the catalogue, as its record has it. Kills: a method left out, a second name, a page written by hand.
import { catalogue } from '@sublinear/attention'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { methodsPage } from '../methods-table.mjs'

it('is what the catalogue says', () => {
  const page = readFileSync(new URL('../../../docs/methods.md', import.meta.url), 'utf8')
  expect(page).toBe(methodsPage(catalogue))
})

it('has every name once', () => {
  const names = catalogue.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})
