// What a head may be, field by field and at both ends of each range. Kills: a bound that is one off, a field that is not looked at, a feature refused under another name, a list that is taken where it does not fit.
import { expect, it } from 'vitest'
import { checkHead, checkOptions, HEAD_FEATURES, type Shape } from '../src'

const plain = { d: 8, dv: 3, scale: 0.5 }
const rotary = { base: 100, pairing: 'halves' }
const check = (change: object, can = HEAD_FEATURES, options: string[] = []) =>
  checkHead('f', { ...plain, ...change } as Shape, can, options)

it.each<[string, object]>([
  ['f: d must be an integer >= 1, got 0', { d: 0 }],
  ['f: dv must be an integer >= 1, got 0', { dv: 0 }],
  ['f: scale must be at most 2^10 in magnitude, got 1025', { scale: 1025 }],
  ['f: softcap must be a finite number > 0, got 0', { softcap: 0 }],
  ['f: softcap must be at most 2^60, got 1152921504606847200', { softcap: 2 ** 60 * (1 + 2 ** -52) }],
  ['f: sinkLogit must be from -1152921504606847000 to 1152921504606847000, got 1e+30', { sinkLogit: 1e30 }],
  ['f: sinkLogit must be from -1152921504606847000 to 1152921504606847000, got -1e+30', { sinkLogit: [0, -1e30] }],
  ['f: sinkLogit must be a number or a list of some, got an empty list', { sinkLogit: [] }],
  ['f: sinkLogit must be a finite number, got "1"', { sinkLogit: ['1'] }],
  ['f: slope must be from 0 to 1048576, got -0.001', { slope: -0.001 }],
  ['f: slope must be from 0 to 1048576, got 1048577', { slope: [1, 2 ** 20 + 1] }],
  ['f: slope must be a finite number, got NaN', { slope: NaN }],
  ['f: sinkLogit and slope must be as long, got 2 and 3', { sinkLogit: [1, 2], slope: [1, 2, 3] }],
  ['f: window must be an integer >= 1, got 0', { window: 0 }],
  ['f: rotary.first must be an integer from 0 to 7, got 8', { rotary: { ...rotary, first: 8 } }],
  ['f: rotary.first must be an integer from 0 to 7, got -1', { rotary: { ...rotary, first: -1 } }],
  ['f: rotary.width must be an integer from 2 to 8, got 1', { rotary: { ...rotary, width: 1 } }],
  ['f: rotary.width must be an integer from 2 to 6, got 8', { rotary: { ...rotary, first: 2, width: 8 } }],
  ['f: rotary.width must be even, got 3', { rotary: { ...rotary, width: 3 } }],
  ['f: rotary.width must be even, got 7', { rotary: { ...rotary, first: 1 } }],
  ["f: rotary.pairing must be 'halves' or 'interleaved', got pairs", { rotary: { base: 1, pairing: 'pairs' } }],
  ['f: rotary must have base or frequencies, and not both', { rotary: { pairing: 'halves' } }],
  ['f: rotary must have base or frequencies, and not both', { rotary: { ...rotary, frequencies: [1, 1, 1, 1] } }],
  ['f: rotary.base must be a finite number > 0, got 0', { rotary: { ...rotary, base: 0 } }],
  [
    'f: rotary.frequencies must be a list of width / 2 = 4 numbers',
    { rotary: { frequencies: [1, 1, 1], pairing: 'halves' } },
  ],
  ['f: rotary.frequencies must be a list of width / 2 = 4 numbers', { rotary: { frequencies: 1, pairing: 'halves' } }],
  ['f: rotary.scaling must be a list of width / 2 = 4 numbers', { rotary: { ...rotary, scaling: [1, 1, 1, 1, 1] } }],
  ['f: rotary.scaling must be a finite number, got NaN', { rotary: { ...rotary, scaling: [1, 1, 1, NaN] } }],
  ['f: rotary: there is no option "freqs", did you mean first?', { rotary: { ...rotary, freqs: 1 } }],
  ['f: positions need rotary: without it keys arrive turned', { positions: 'text' }],
  ["f: positions must be 'text', 'cache' or { clamp }, got other", { rotary, positions: 'other' }],
  ["f: positions must be 'text', 'cache' or { clamp }, got null", { rotary, positions: null }],
  ["f: positions must be 'text', 'cache' or { clamp }, got 5", { rotary, positions: 5 }],
  ['f: positions.clamp must be an integer >= 0, got -1', { rotary, positions: { clamp: -1 } }],
  ['f: positions: there is no option "clamps", did you mean clamp?', { rotary, positions: { clamp: 1, clamps: 1 } }],
  ["f: values must be 'in keys' or absent, got in queries", { values: 'in queries' }],
  ['f: values in keys must be at most d = 8 columns, got dv = 9', { values: 'in keys', dv: 9 }],
  [
    'f: values in keys must not turn: rotary.first must be at least dv = 3',
    { values: 'in keys', rotary: { ...rotary, first: 2 } },
  ],
  ['f: values in keys must not turn: rotary.first must be at least dv = 3', { values: 'in keys', rotary }],
])('%s', (message, change) => {
  expect(() => check(change)).toThrow(expect.objectContaining({ message }))
})

it.each<[object]>([
  [{ d: 1, dv: 1, scale: -1024 }],
  [{ softcap: 2 ** 60 }],
  [{ sinkLogit: [2 ** 60, -(2 ** 60)], slope: [0, 2 ** 20] }],
  [{ sinkLogit: 0, slope: [1, 2, 3] }],
  [{ window: 1 }],
  [{ rotary: { ...rotary, first: 6 } }],
  [{ rotary: { ...rotary, first: 2, width: 6 } }],
  [{ rotary: { frequencies: [1, 2], pairing: 'interleaved', width: 4, scaling: [0, -1] } }],
  [{ rotary, positions: 'cache' }],
  [{ rotary, positions: 'text' }],
  [{ rotary, positions: { clamp: 0 } }],
  [{ values: 'in keys', dv: 8 }],
  [{ values: 'in keys', rotary: { ...rotary, first: 4 } }],
])('%o is taken', (change) => {
  expect(() => check(change)).not.toThrow()
})

it('a feature that a stream does not compute is refused by name, and what it computes is said', () => {
  const given = { softcap: 1, sinkLogit: 1, slope: 1, window: 1, rotary, values: 'in keys' }
  for (const [name, value] of Object.entries(given)) {
    expect(() => check({ [name]: value }, [])).toThrow(
      expect.objectContaining({ message: `f: cannot do ${name}, only plain softmax` }),
    )
    const others = HEAD_FEATURES.filter((one) => one !== name)
    expect(() => check({ [name]: value }, others)).toThrow(
      expect.objectContaining({ message: `f: cannot do ${name}, only ${others.join(', ')}` }),
    )
  }
})

it('an option of a stream is known beside the shape, and no other', () => {
  expect(() => check({ buffer: 5 }, [], ['buffer'])).not.toThrow()
  expect(() => check({ bufer: 5 }, [], ['buffer'])).toThrow('f: there is no option "bufer", did you mean buffer?')
  for (const given of [null, 5, undefined])
    expect(() => checkOptions('f', given as never, ['a'])).toThrow(
      new TypeError(`f: options must be an object, got ${String(given)}`),
    )
})
