// Snapshots of summaries that no tokens have: their checksum is right, and they are refused all the same. Kills: a mean beyond the entries that push accepts (answers
// that are no numbers), a mean outside of its bounds, bounds the wrong way round, a negative variance, a weight that no count of tokens has, a mean of nothing; and a check that refuses
// what streams reach: one token, equal tokens, the largest entries, weights of 2^53.
import { decodeSnapshot, encodeSnapshot } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { closureStream, meanStream, restoreClosureStream, restoreMeanStream } from '../src'

const shape = { d: 3, dv: 2, scale: 0.5 }
type Change = (tensors: Record<string, Float32Array | Float64Array>, parameters: Record<string, string>) => void

/** The bytes with other numbers in them, sealed anew. */
function altered(bytes: Uint8Array, change: Change): Uint8Array {
  const { kind, version, parameters, tensors } = decodeSnapshot(bytes)
  const own = Object.fromEntries([...tensors].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]))
  const changed = { ...parameters }
  change(Object.fromEntries(Object.entries(own).map(([name, { data }]) => [name, data as Float32Array])), changed)
  return encodeSnapshot({ kind, version, parameters: changed, tensors: own })
}

const block = (rows: number) => ({ keys: random(rows, shape.d, 1), values: random(rows, shape.dv, 2) })

const filled = (rows: number, cols: number, x: number) => ({ rows, cols, data: new Float32Array(rows * cols).fill(x) })

describe('a closure', () => {
  const stream = closureStream(shape)
  stream.push(block(200))
  const bytes = stream.toBytes()
  const forged: Record<string, Change> = {
    'a mean key that no key can have': ({ mean }) => void (mean[0] = 2 ** 51),
    'a mean value beyond its bounds': ({ mean, high }) => void (mean[shape.d] = high[0] + 1),
    'a mean value below them': ({ mean, low }) => void (mean[shape.d + 1] = low[1] - 1),
    'bounds the wrong way round': ({ low, high }) => {
      ;[low[0], high[0]] = [high[0], low[0]]
    },
    'a negative variance': ({ spread }) => void (spread[0] = -1),
    'a negative variance on the last axis': ({ spread }) => void (spread[spread.length - shape.dv - 1] = -1),
    'a weight beyond that of its tokens': ({ total }) => void (total[0] = 1e308),
    'a mean of nothing, which the next tokens would not outweigh': ({ total }) => void (total[0] = 0),
  }
  it.each(Object.keys(forged))('with %s is refused', (name) => {
    expect(() => restoreClosureStream(altered(bytes, forged[name]))).toThrow(RangeError)
  })
  it('as it was comes back', () => {
    expect(restoreClosureStream(altered(bytes, () => {})).toBytes()).toEqual(bytes)
  })
})

describe('a mean', () => {
  const stream = meanStream(shape)
  stream.push(block(200))
  const bytes = stream.toBytes()
  const forged: Record<string, Change> = {
    'a key that no key can be the mean of': ({ mean }) => void (mean[0] = 1e308),
    'a value that no value can be the mean of': ({ mean }) => void (mean[shape.d] = -(2 ** 65)),
    'a weight beyond that of its tokens': (_, parameters) => void (parameters['weight'] = '1e308'),
    'a mean of nothing': (_, parameters) => void (parameters['weight'] = '0'),
  }
  it.each(Object.keys(forged))('with %s is refused', (name) => {
    expect(() => restoreMeanStream(altered(bytes, forged[name]))).toThrow(RangeError)
  })
})

describe('what streams reach is accepted', () => {
  const cases: Record<string, () => Parameters<ReturnType<typeof meanStream>['push']>[0]> = {
    'equal tokens': () => ({ keys: filled(300, 3, 0.1), values: filled(300, 2, -0.3) }),
    'the largest entries': () => ({ keys: filled(300, 3, 2 ** 50), values: filled(300, 2, -(2 ** 64)) }),
    'the largest weights': () => ({ ...block(300), weights: new Float32Array(300).fill(2 ** 53) }),
    'the least weights': () => ({ ...block(300), weights: new Float32Array(300).fill(2 ** -100) }),
    'entries that hardly differ': () => {
      const { keys, values } = block(300)
      return {
        keys: { ...keys, data: keys.data.map((x) => 1e6 + x) },
        values: { ...values, data: values.data.map((x) => 1e6 + x) },
      }
    },
  }
  it.each(Object.keys(cases))('%s', (name) => {
    for (const [make, restore] of [
      [() => closureStream({ ...shape, clusters: 3 }), restoreClosureStream],
      [() => closureStream(shape), restoreClosureStream],
      [() => meanStream(shape), restoreMeanStream],
    ] as const) {
      const stream = make()
      for (let i = 0; i < 40; i++) stream.push(cases[name]())
      expect(restore(stream.toBytes()).toBytes()).toEqual(stream.toBytes())
    }
  })
})
