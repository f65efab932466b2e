// The store of few bits against float64 oracles written here from the definitions. Kills: codes that are not those of earlier versions, a centre left
// out of logits, sums or distances, a sum that is not turned back, weights that differ from copies, a store above its bytes, codes rounded
// anew by a move.
import { dataOf, emptyPartial, rowsOf, type KvBlock } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { distance, random, softmaxOracle } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { heldTokens, openStore, quantised } from '../src'

const shape = { d: 20, dv: 12, scale: 0.3 }
/** Far from 0, so that a centre which is left out shows. */
const tokens = (n: number, seed = 1): KvBlock => {
  const [keys, values] = [random(n, 20, seed), random(n, 12, seed + 1)]
  return {
    keys: { ...keys, data: keys.data.map((x) => x + 3) },
    values: { ...values, data: values.data.map((x) => x - 5) },
  }
}

describe('the store', () => {
  it('gives the codes that version 2 of its snapshots has always had', () => {
    const store = quantised({ keyBits: 5, valueBits: 3 }).make({ ...shape, most: 4 })
    store.write({ keys: random(4, 20, 7), values: random(4, 12, 8) }, 0, 4, 0)
    const codes = dataOf(store.saved()['codes']) as Uint8Array
    expect(Array.from(codes, (byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(
      '00000000000000000000000000000000000000000000ba7b06980f3eee2816f45877a87b07fb7c7b70cf6608' +
        '867ba37cdd4f853ff6370a09d7830f1b7d81f8af7402c87b07f5b05986e91323184b4b1f0e387dcaa8e42702',
    )
  })

  it.each([
    ['without weights', false],
    ['with weights', true],
  ])('answers exactly over what it reads, %s, causal or not', (_, weighted) => {
    const store = quantised({ keyBits: 4, valueBits: 3 }).make({ ...shape, most: 400 })
    const block = {
      ...tokens(400),
      ...(weighted && { weights: random(400, 1, 9).data.map((x) => 2 + x) }),
    }
    store.write(block, 0, 400, 0)
    const read = store.read()
    const queries = random(9, 20, 4)
    for (const visible of [undefined, 70]) {
      const out = emptyPartial(9, 12)
      const before = heldTokens({ ...shape, most: 10 })
      before.write(tokens(10, 50), 0, 10, 0)
      before.attend(queries, out) // what it must go on from
      store.attend(queries, out, visible === undefined ? undefined : { visible, groups: 3 })
      const all = (part: 'keys' | 'values') => ({
        rows: 410,
        cols: read[part].cols,
        data: Float32Array.of(...read[part].data, ...tokens(10, 50)[part].data),
      })
      const reach = (row: number) => (visible === undefined ? 400 : visible + Math.floor(row / 3))
      for (let row = 0; row < 9; row++) {
        const pick = Array.from({ length: 410 }, (_, i) => i).filter((i) => i < reach(row) || i >= 400)
        const some = (part: 'keys' | 'values') => {
          const { cols, data } = all(part)
          return {
            rows: pick.length,
            cols,
            data: Float32Array.from(pick.flatMap((i) => [...data.subarray(i * cols, (i + 1) * cols)])),
          }
        }
        const weights = weighted ? Float32Array.from(pick, (i) => (i < 400 ? block.weights![i] : 1)) : undefined
        const exact = softmaxOracle(
          rowsOf(queries, row, row + 1),
          some('keys'),
          some('values'),
          0.3,
          () => pick.length,
          weights,
        )
        const answer = normalise(out).data.subarray(row * 12, (row + 1) * 12)
        expect(distance(answer, exact)).toBeLessThan(1e-4) // queries and weights are rounded to 15 bits
      }
    }
  })

  it('reads tokens close to what was written, and takes distances from what it reads', () => {
    const store = quantised({ keyBits: 8, valueBits: 8 }).make({ ...shape, most: 400 })
    const block = tokens(400)
    store.write(block, 0, 400, 0)
    const read = store.read()
    expect(distance(read.keys.data, Float64Array.from(block.keys.data))).toBeLessThan(0.02)
    expect(distance(read.values.data, Float64Array.from(block.values.data))).toBeLessThan(0.02)
    const point = Float64Array.from({ length: 20 }, (_, c) => 3 + c / 50)
    const wanted = Array.from({ length: 400 }, (_, r) =>
      point.reduce((sum, x, c) => sum + (read.keys.data[r * 20 + c] - x) ** 2, 0),
    )
    for (const [r, got] of store.distances(point).entries())
      expect(Math.abs(got - wanted[r])).toBeLessThan(1e-5 * wanted[r] + 1e-6)
    expect([...store.distances(point, 130, 100)]).toEqual([...store.distances(point).subarray(130, 230)])
  })

  it('answers weights as copies', () => {
    const block = tokens(300)
    const [twice, copies] = [1, 2].map(() => quantised({ keyBits: 5, valueBits: 4 }).make({ ...shape, most: 301 }))
    twice.write(block, 0, 300, 0)
    copies.write(block, 0, 300, 0)
    twice.weigh(299, Float32Array.of(2))
    copies.write(block, 299, 1, 300)
    const answers = [twice, copies].map((store) => {
      const out = emptyPartial(6, 12)
      store.attend(random(6, 20, 3), out)
      return { levels: out.mass.map((m, i) => Math.log(m) + out.max[i]), averages: normalise(out).data }
    })
    expect(distance(answers[0].averages, Float64Array.from(answers[1].averages))).toBeLessThan(1e-5)
    expect(distance(answers[0].levels, answers[1].levels)).toBeLessThan(1e-5)
  })

  it.each([
    [5, 3],
    [7, 7],
    [2, 8],
  ])('costs what it says, %i/%i bits', (keyBits, valueBits) => {
    const store = quantised({ keyBits, valueBits }).make({ ...shape, most: 1000 })
    const full = 1000 * (Math.ceil((20 * keyBits) / 8) + Math.ceil((12 * valueBits) / 8) + 4) + 4 * (20 + 12)
    for (let at = 0; at < 1000; at += 50) {
      store.write(tokens(50, at), 0, 50, at)
      expect(store.bytes).toBeLessThanOrEqual(full)
      const held = Object.values(store.saved()).reduce((sum, tensor) => sum + dataOf(tensor).byteLength, 0)
      expect(store.bytes).toBeGreaterThanOrEqual(held)
    }
    expect(store.bytes).toBe(full)
    store.truncate(10)
    expect(store.bytes).toBeLessThan(0.1 * full)
  })

  it('truncates and goes on in the same bits', () => {
    const store = quantised({ keyBits: 3, valueBits: 3 }).make({ ...shape, most: 400 })
    store.write(tokens(400), 0, 400, 0)
    store.weigh(398, Float32Array.of(4, 3))
    store.weigh(7, Float32Array.of(3))
    const before = store.read()
    store.truncate(300)
    const after = store.read()
    expect([...after.keys.data]).toEqual([...rowsOf(before.keys, 0, 300).data])
    expect([...after.values.data]).toEqual([...rowsOf(before.values, 0, 300).data])
    expect(after.keys.rows).toBe(300)
    expect([...after.weights!]).toEqual(Array.from({ length: 300 }, (_, i) => (i === 7 ? 3 : 1)))
    store.weigh(7, Float32Array.of(1))
    expect(store.weights).toBeUndefined()
    store.clear()
    expect(store.count).toBe(0)
  })

  it('is exact before there are codes', () => {
    const store = quantised({ keyBits: 2, valueBits: 2 }).make({ ...shape, most: 400 })
    const first = 1 + Math.floor((400 * (5 + 3 + 4)) / (4 * 32))
    store.write(tokens(400), 0, first, 0)
    expect([...store.read().keys.data]).toEqual([...tokens(400).keys.data.subarray(0, first * 20)])
    store.write(tokens(400), first, 1, first)
    expect([...store.read().keys.data]).not.toEqual([...tokens(400).keys.data.subarray(0, (first + 1) * 20)])
  })
})

describe('what is refused', () => {
  it.each<[string, () => unknown, string]>([
    [
      '1 bit',
      () => quantised({ keyBits: 1, valueBits: 4 }),
      'quantised: keyBits must be an integer from 2 to 8, got 1',
    ],
    [
      '9 bits',
      () => quantised({ keyBits: 4, valueBits: 9 }),
      'quantised: valueBits must be an integer from 2 to 8, got 9',
    ],
    ['a seed that is none', () => quantised({ keyBits: 4, valueBits: 4, seed: -1 }), 'quantised: seed must be'],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message)
  })

  const store = quantised({ keyBits: 4, valueBits: 4 })
  const full = store.make({ ...shape, most: 300 })
  full.write(tokens(300), 0, 300, 0)
  const saved = Object.fromEntries(
    Object.entries(full.saved()).map(([name, tensor]) => [name, { ...tensor, data: dataOf(tensor) }]),
  )
  const restored = (change: object, most = 300) => {
    const tensors = new Map(Object.entries({ ...saved, ...change }).filter(([, tensor]) => tensor))
    const one = store.make({ ...shape, most })
    one.restore('test', { kind: 'test', version: '1', parameters: {}, tensors } as never)
    return one
  }
  const codes = saved['codes'].data as Uint8Array
  it.each<[string, object, number?]>([
    ['codes of no whole token', { codes: { data: codes.slice(1) } }],
    ['more than the most', {}, 299],
    ['no centre', { keyCentre: undefined }],
    ['a centre that is not finite', { valueCentre: { data: new Float32Array(12).fill(NaN) } }],
    ['a step that is not finite', { codes: { data: codes.map((byte, i) => (i === 1 ? 255 : byte)) } }],
    ['a step that no key needs', { codes: { data: codes.map((byte, i) => (i === 1 ? 0xe0 : byte)) } }],
    ['weights that are none', { weights: { data: new Float32Array(300) } }],
    ['weights of others', { weights: { data: new Float32Array(3).fill(1) } }],
  ])('a snapshot with %s', (_, change, most) => {
    expect(() => restored(change, most)).toThrow(RangeError)
  })
  it('codes of another version, by its number', () => {
    const old = JSON.stringify({ kind: 'quantised', keyBits: 4, valueBits: 4, seed: '0' })
    expect(() => openStore('window', old)).toThrow('window: the snapshot has codes of version 1, this reads version 2')
    expect(openStore('window', store.spec).spec).toBe(store.spec)
  })
  it('but not one that fits', () => {
    const again = restored({}).saved()
    for (const [name, { data }] of Object.entries(saved)) expect(dataOf(again[name])).toEqual(data)
  })
})
