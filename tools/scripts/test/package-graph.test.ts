// docs/packages.md draws the packages as they are, and no import leads up. Kills: a package or an arrow left out, a circle drawn as a tree.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { floorsOf, packageEdges, packagesPage } from '../package-graph.mjs'

const edges = packageEdges(fileURLToPath(new URL('../../..', import.meta.url)))

it('is what the packages declare', () => {
  const page = readFileSync(new URL('../../../docs/packages.md', import.meta.url), 'utf8')
  expect(page).toBe(packagesPage(edges))
})

it('has every import lead to a lower floor', () => {
  const floors = floorsOf(edges)
  const floorOf = (name: string) => floors.findIndex((floor) => floor.includes(name))
  for (const [name, below] of edges) for (const one of below) expect(floorOf(one)).toBeLessThan(floorOf(name))
  expect(floors[0]).toEqual(['kernels'])
  expect(floors.at(-1)).toEqual(['cluster', 'threads'])
})

it('names a circle', () => {
  const circle = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['a']],
  ])
  expect(() => floorsOf(circle)).toThrow('packages import each other: a → b → c → a')
})
