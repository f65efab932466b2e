// Objects with properties that are read anew. Kills: a property that keeps its first value, getters of each object for itself (every stream would then have
// a hidden class of its own), a proxy that cannot read, a member of one object that another gets.
import { expect, it } from 'vitest'
import { readAnew } from '../src/read-anew'

interface Counter {
  readonly count: number
  readonly name: string
  add(): void
}

const made = readAnew<Counter, 'count'>()
const counter = (name: string) => {
  let count = 0
  return made({ count: () => count }, { name, add: () => void count++ })
}

it('reads the properties of each object anew', () => {
  const [one, other] = [counter('one'), counter('other')]
  one.add()
  one.add()
  expect([one.count, other.count]).toEqual([2, 0])
  expect([one.name, other.name]).toEqual(['one', 'other'])
})

it('shares the getters between all objects of a maker', () => {
  expect(Object.getPrototypeOf(counter('one'))).toBe(Object.getPrototypeOf(counter('other')))
  expect(Object.hasOwn(counter('one'), 'count')).toBe(false)
})

it('reads through a proxy', () => {
  const one = counter('one')
  one.add()
  expect(new Proxy(one, {}).count).toBe(1)
  expect((Object.create(one) as Counter).count).toBe(1)
})
