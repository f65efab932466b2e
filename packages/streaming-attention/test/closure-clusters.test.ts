// Closures by cluster, and what a closure stream refuses. Kills: keys that all go to one cluster, an empty cluster that counts, a merge of streams
// that cut keys differently, a snapshot taken whose sizes, total or moments cannot be.
import { decodeSnapshot, encodeSnapshot, matrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { normalRows } from './normal-rows'
import { describe, expect, it } from 'vitest'
import { closureStream, restoreClosureStream } from '../src'

describe('clusters', () => {
  it('three clouds far apart are three closures: near exact, where one closure is not', () => {
    const n = 2000
    const centres = [-4, 0, 4]
    const keys = normalRows(n, 2, 5)
    const values = matrix(n, 1)
    for (let i = 0; i < n; i++) {
      const c = centres[i % 3]
      keys.data[2 * i] = 0.3 * keys.data[2 * i] + c
      keys.data[2 * i + 1] = 0.3 * keys.data[2 * i + 1]
      values.data[i] = c * c
    }
    const queries = random(20, 2, 6)
    const errorOf = (clusters: number) => {
      const stream = closureStream({ d: 2, dv: 1, scale: 1, clusters })
      stream.push({ keys, values })
      return distance(
        normalise(stream.attend(queries)).data,
        softmaxOracle(queries, keys, values, 1, () => n),
      )
    }
    expect(errorOf(3)).toBeLessThan(0.05)
    expect(errorOf(1)).toBeGreaterThan(1)
  })

  it('more centres than different keys leave some empty', () => {
    const stream = closureStream({ d: 1, dv: 1, scale: 1, clusters: 4 })
    stream.push({ keys: matrix(200, 1), values: matrix(200, 1, new Float32Array(200).fill(3)) })
    expect(normalise(stream.attend(matrix(1, 1, Float32Array.of(1)))).data[0]).toBeCloseTo(3, 6)
  })

  it('do not merge', () => {
    const [one, two] = [0, 1].map(() => closureStream({ d: 1, dv: 1, scale: 1, clusters: 2 }))
    expect(one.merging).toBe('none')
    expect(() => one.merge(two)).toThrow('closure: cannot merge, merging is none')
  })
})

describe('borders', () => {
  it.each([
    [{ d: 0, dv: 1, scale: 1 }, 'closureStream: d must be an integer >= 1, got 0'],
    [{ d: 1, dv: 0, scale: 1 }, 'closureStream: dv must be an integer >= 1, got 0'],
    [{ d: 1, dv: 1, scale: NaN }, 'closureStream: scale must be a finite number, got NaN'],
    [{ d: 1, dv: 1, scale: 1, clusters: 65 }, 'closureStream: clusters must be an integer from 1 to 64, got 65'],
    [{ d: 1, dv: 1, scale: 1, buffer: 0 }, 'closureStream: buffer must be an integer from 1 to 64, got 0'],
  ])('%o is refused', (options, message) => {
    expect(() => closureStream(options)).toThrow(message)
  })

  const stream = closureStream({ d: 2, dv: 3, scale: 1 })
  stream.push({ keys: random(40, 2, 1), values: random(40, 3, 2) })
  const { kind, version, parameters, tensors } = decodeSnapshot(stream.toBytes())
  const made = (change: Record<string, string>, other: object = {}) =>
    encodeSnapshot({
      kind,
      version,
      parameters: { ...parameters, ...change },
      tensors: { ...Object.fromEntries(tensors), ...other },
    })
  const tensor = (name: string, value: number) => {
    const { dtype, shape, data } = tensors.get(name)!
    const changed = data.slice() as Float64Array
    changed[0] = value
    return { [name]: { dtype, shape, data: changed } }
  }
  it.each<[string, Uint8Array]>([
    ['d', made({ d: '3' })],
    ['d', made({ d: '1e99' })],
    ['clusters', made({ clusters: '2' })],
    ['clusters', made({ clusters: '1e9' })],
    ['buffer', made({ buffer: '4' })],
    ['buffer', made({ buffer: '1e9' })],
    ['scale', made({ scale: 'much' })],
    ['tokens', made({ tokens: '3' })],
    ['total', made({}, tensor('total', -1))],
    ['total', made({}, tensor('total', Infinity))],
    ['mean', made({}, tensor('mean', NaN))],
    ['spread', made({}, tensor('spread', Infinity))],
    ['low', made({}, tensor('low', NaN))],
    ['high', made({}, tensor('high', Infinity))],
  ])('a snapshot with another %s is refused', (_, bytes) => {
    expect(() => restoreClosureStream(bytes)).toThrow(RangeError)
  })
  it('one that fits is taken', () => {
    expect(restoreClosureStream(made({})).toBytes()).toEqual(stream.toBytes())
  })
})
