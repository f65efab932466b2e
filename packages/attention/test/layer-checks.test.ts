// A layer's checks refuse as its calls do, and change nothing; an empty partial has no spread unless bars are asked for; a batch needs layers.
// Kills: checks that do nothing, a spread that nobody asked for, a refusal without its reason.
import { batch, emptyPartial, matrix } from '@sublinear/core'
import { expect, it } from 'vitest'
import { exactStream, layer } from '../src'

const make = () => layer({ queryHeads: 2, kvHeads: 1, make: () => exactStream({ d: 2, dv: 2, scale: 1 }) })
const wrong = { keys: matrix(1, 3), values: matrix(1, 2) }

it('the checks of a layer refuse what its calls refuse', () => {
  const one = make()
  expect(() => one.check?.push(wrong)).toThrow('keys must have 2 columns, got 3')
  expect(() => one.check?.step(wrong, matrix(1, 4))).toThrow('keys must have 2 columns, got 3')
  expect(() => one.check?.merge({} as never)).toThrow(TypeError)
  one.check?.push({ keys: matrix(1, 2), values: matrix(1, 2) })
  expect(one.tokens).toBe(0)
})

it('an empty partial has a spread where error bars are asked for, and else none', () => {
  expect(emptyPartial(2, 3).spread).toBeUndefined()
  expect(emptyPartial(2, 3, true).spread).toBeDefined()
})

it('a batch of no layers, or of one twice, is refused', () => {
  const one = make()
  for (const layers of [[], [one, one], 'x'])
    expect(() => batch(layers as never)).toThrow('batch: layers must be a list of at least one layer, one a sequence')
})
