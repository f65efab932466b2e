// The parts of entropy-coded tokens, one by one: steps, codes, the choice of rows, the pool of blocks. Truth: definitions in float64, tables, plain arrays.
// Kills: a step that is one place off, a code that is cut off at the end, a centre left out, a recoding by the step of the others, blocks of a sample that overlap or
// are left out, ties that go to the newer row, a pool above its room or below it, rows lost where a block is filled up, damaged pools that are taken.
import { matrix } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { describe, expect, it, test } from 'vitest'
import { markedRows, nearestRows, sampledRows } from '../src/code-rows'
import {
  apartOf,
  codesOf,
  codeUnit,
  entriesOf,
  hasCode,
  largest,
  placeFor,
  placeIn,
  recode,
} from '../src/entropy-steps'
import { MOST_STEP, placeOf, stepOf } from '../src/log-step'
import { MOST_CODE } from '../src/row-coder'
import { rowPool } from '../src/row-pool'

const apart = (one: object, of: Int32Array) =>
  apartOf(of, { d: 2, width: 5 }, 0.2, one, { keyCentre: new Float32Array(2) })
/** Where to read entries from rows of five codes. */
const from = (place: number | undefined, first: number, most: number) => ({ width: 5, from: first, place, most })
/** Rows of the numbers from 0 on. */
const rowsOf = (count: number, width: number) => Int32Array.from({ length: count * width }, (_, i) => i)
const head = (rows: number, length: number) => length * 128 + rows

describe('steps', () => {
  test('are sixteenths of a doubling, and the place of a size is the first that is as large', () => {
    for (let place = -40; place <= 40; place++) {
      expect(Math.abs(stepOf(place) / 2 ** (place / 16) - 1)).toBeLessThan(1e-15)
      expect(placeOf(stepOf(place))).toBe(place)
      expect(placeOf(stepOf(place) * 1.01)).toBe(place + 1)
      expect(placeOf(stepOf(place) * 0.99)).toBe(place)
    }
    expect([placeOf(Number.MIN_VALUE), placeOf(2 ** 1000)]).toEqual([-MOST_STEP, MOST_STEP])
  })

  test('stay while a size has a code, and then are those of 1/16,384 of the size, never finer', () => {
    expect(placeFor(undefined, 0)).toBeUndefined()
    expect(placeFor(7, 0)).toBe(7)
    expect(placeFor(undefined, 16_384)).toBe(0)
    expect(placeFor(undefined, 16_385)).toBe(1)
    expect([placeFor(0, MOST_CODE), placeFor(0, MOST_CODE + 0.49)]).toEqual([0, 0])
    expect(placeFor(0, MOST_CODE + 0.5)).toBe(16)
    expect(placeFor(0, 2 ** 20)).toBe(96)
    expect([hasCode(0, undefined), hasCode(1, undefined)]).toEqual([true, false])
    expect([hasCode(MOST_CODE + 0.49, 0), hasCode(MOST_CODE + 0.5, 0)]).toEqual([true, false])
    expect([codeUnit(undefined), codeUnit(32), codeUnit(-16)]).toEqual([1, 4, 0.5])
  })

  test('are read from the texts of snapshots', () => {
    expect(['', '0', '-3200', '3200', '12'].map((text) => placeIn('x', text))).toEqual([undefined, 0, -3200, 3200, 12])
    for (const text of [undefined, '3201', '-3201', '1.5', ' 1', '1 ', '+1', '--1', '1e2', '100000', 'a'])
      expect(() => placeIn('entropyCoded', text)).toThrow('entropyCoded: the tensors do not fit the parameters')
  })
})

describe('codes', () => {
  const block = { keys: random(6, 3, 1, 4), values: random(6, 2, 2, 9) }
  const centres = { keyCentre: Float32Array.of(1, -2, 0.5), valueCentre: Float32Array.of(7, -7) }

  test('of rows are the nearest whole steps from the centre, keys before values, and come back', () => {
    const codes = codesOf(block, 2, 3, { key: -32, value: 16 }, centres)
    const wanted = [2, 3, 4].flatMap((r) => [
      ...[0, 1, 2].map((c) => Math.round((block.keys.data[r * 3 + c] - centres.keyCentre[c]) * 4)),
      ...[0, 1].map((c) => Math.round((block.values.data[r * 2 + c] - centres.valueCentre[c]) / 2)),
    ])
    expect([...codes]).toEqual(wanted.map((x) => x + 0))
    const keys = entriesOf(codes, 3, from(-32, 0, 100), centres.keyCentre)
    const values = entriesOf(codes, 3, from(16, 3, 100), centres.valueCentre)
    expect([keys.rows, keys.cols, values.rows, values.cols]).toEqual([3, 3, 3, 2])
    for (const [i, x] of keys.data.entries()) expect(Math.abs(x - block.keys.data[6 + i])).toBeLessThan(0.1251)
    for (const [i, x] of values.data.entries()) expect(Math.abs(x - block.values.data[4 + i])).toBeLessThan(1.001)
    for (const x of entriesOf(codes, 3, from(16, 3, 6), centres.valueCentre).data) expect(Math.abs(x)).toBeLessThanOrEqual(6) // prettier-ignore
    expect(entriesOf(codes, 3, from(16, 3, 6), centres.valueCentre).data.some((x) => x === -6)).toBe(true)
    expect(entriesOf(codes, 3, from(16, 3, 6), centres.valueCentre).data.some((x) => x === 6)).toBe(true)
  })

  test('without a step are 0, and stand for the centre', () => {
    const codes = codesOf(block, 0, 2, { value: 0 }, centres)
    expect([0, 1, 2, 5, 6, 7].map((i) => codes[i])).toEqual([0, 0, 0, 0, 0, 0])
    expect([3, 4, 8, 9].some((i) => codes[i] !== 0)).toBe(true)
    expect(codesOf(block, 0, 2, { key: 0 }, centres).filter((_, i) => i % 5 > 2)).toEqual(new Int32Array(4))
    expect([...entriesOf(codes, 2, from(undefined, 0, 9), centres.keyCentre).data]).toEqual([1, -2, 0.5, 1, -2, 0.5])
  })

  test('the largest entry of a row is told from the centre', () => {
    const x = matrix(2, 3, Float32Array.of(9, 9, 9, 1, 2, -3))
    expect([largest(x, 1, Float32Array.of(0, 0, 0)), largest(x, 1, Float32Array.of(6, 2, -3))]).toEqual([3, 5])
    expect(largest(x, 0, Float32Array.of(9, 9, 9))).toBe(0)
  })

  test('are recoded by the ratio of steps, keys and values each by its own', () => {
    const codes = Int32Array.of(8, -8, 100, 3, -8, 8, 99, -3)
    recode(codes, { d: 2, width: 4 }, { key: 0, value: 16 }, { key: 32, value: 32 })
    expect([...codes]).toEqual([2, -2, 50, 2, -2, 2, 50, -1])
    const same = Int32Array.of(5, 7)
    recode(same, { d: 1, width: 2 }, { key: 3 }, { key: 3, value: 9 })
    recode(same, { d: 1, width: 2 }, { value: 3 }, { key: 3, value: 3 })
    expect([...same]).toEqual([5, 7])
  })

  test('steps of values stand above those of keys as the root mean squares and the scale say', () => {
    const rows = 50
    const [keys, values] = [random(rows, 2, 5, 1000).data, random(rows, 3, 6, 700).data]
    const codes = Int32Array.from({ length: rows * 5 }, (_, i) =>
      Math.round(i % 5 < 2 ? keys[Math.floor(i / 5) * 2 + (i % 5)] : values[Math.floor(i / 5) * 3 + (i % 5) - 2] + 900),
    )
    const [steps, keyCentre] = [{ key: -128, value: -96 }, Float32Array.of(3, -1)]
    let square = 0
    for (let r = 0; r < rows; r++) for (let c = 0; c < 2; c++) square += (codes[r * 5 + c] / 256 + keyCentre[c]) ** 2
    const rmsKey = Math.sqrt(square / (rows * 2))
    const means = [2, 3, 4].map((c) => Array.from({ length: rows }, (_, r) => codes[r * 5 + c] / rows).reduce((a, b) => a + b)) // prettier-ignore
    let spread = 0
    for (let r = 0; r < rows; r++) for (let c = 0; c < 3; c++) spread += (codes[r * 5 + 2 + c] - means[c]) ** 2
    const rmsValue = Math.sqrt(spread / (rows * 3)) / 64
    for (const scale of [0.2, -0.2, 1e-9, 1e9]) {
      const coarser = Math.max(1 / 64, Math.min(64, 0.2 === Math.abs(scale) ? 0.2 * rmsKey ** 2 * Math.sqrt(3) : scale))
      const wanted = Math.ceil(16 * Math.log2((coarser * rmsValue) / rmsKey))
      expect(apartOf(codes, { d: 2, width: 5 }, scale, steps, { keyCentre })).toBe(wanted)
    }
    expect([apart({ key: 1 }, codes), apart({ value: 1 }, codes)]).toEqual([0, 0])
    expect(apart(steps, Int32Array.of(0, 0, 5, -5, 1, 0, 0, -5, 5, 1))).toBe(0) // keys of no size
    expect(apart(steps, Int32Array.of(1, 2, 7, 7, 7, 2, 1, 7, 7, 7))).toBe(0) // values that are all alike
  })
})

describe('rows', () => {
  it.each([
    [1, [0]],
    [64, [0]],
    [65, [0, 1]],
    [7 * 64, [0, 1, 2, 3, 4, 5, 6]],
    [8 * 64 + 1, [0, 2, 4, 6, 8]],
    [32 * 64, [0, 8, 16, 24]],
    [100 * 64, [0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96]],
  ])('of a sample of %i are whole blocks, one in eight but four at least', (count, blocks) => {
    const wanted = blocks.flatMap((b) => [...rowsOf(count, 3).subarray(b * 192, (b + 1) * 192)])
    expect([...sampledRows(rowsOf(count, 3), 3)]).toEqual(wanted)
  })

  test('nearest to a centre are marked, the older of equal ones', () => {
    const codes = Int32Array.of(5, 0, 9, -1, 0, 9, 5, 1, 9, 9, 9, 9, 1, 0, 9)
    const centre = Float64Array.of(2, 0)
    // Squared distances 9, 9, 10, 130, 1: the third number of a row counts for nothing.
    const marks = (count: number) => [...nearestRows(codes, 3, centre, count)]
    expect([0, 1, 2, 3, 4, 5].map(marks)).toEqual([
      [0, 0, 0, 0, 0],
      [0, 0, 0, 0, 1],
      [1, 0, 0, 0, 1],
      [1, 1, 0, 0, 1],
      [1, 1, 1, 0, 1],
      [1, 1, 1, 1, 1],
    ])
    expect([...markedRows(codes, 3, Uint8Array.of(0, 1, 0, 0, 1), 1)]).toEqual([-1, 0, 9, 1, 0, 9])
    expect([...markedRows(codes, 3, Uint8Array.of(0, 1, 1, 1, 1), 0)]).toEqual([5, 0, 9])
  })
})

describe('the pool', () => {
  const width = 3
  const codesOfRows = (rows: number, seed: number) =>
    Int32Array.from(random(rows, width, seed, 500).data, (x) => Math.round(x))

  it.each([1, 2, 3])('holds rows as they came, within its room, and as many as fit, program %i', (seed) => {
    let state = seed
    const next = (below: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below
    const room = 1200
    const pool = rowPool({ width, room })
    let held: number[] = []
    for (let step = 0; step < 40; step++) {
      const rows = 1 + next(90)
      const codes = codesOfRows(rows, step)
      const [each, before] = [next(3) === 0 ? 4 : 0, pool.rows]
      const took = pool.append(codes, rows, each)
      held.push(...codes.subarray(0, took * width))
      expect(pool.rows).toBe(before + took)
      expect([...pool.read()]).toEqual(held)
      expect(pool.used + each * pool.rows).toBeLessThanOrEqual(Math.max(room, each * before + pool.used * Number(took === 0))) // prettier-ignore
      const saved = pool.saved()
      expect(pool.used).toBe(saved.codes.length + 4 * saved.blocks.length + saved.links.length)
      if (took < rows) {
        // No more would have fitted: one more row takes at least a byte beyond the room, but for the last byte of a code.
        const other = rowPool({ width, room: 10 * room })
        other.restore('test', saved)
        other.append(codes.subarray(took * width), 1, 0)
        expect(other.used + each * other.rows).toBeGreaterThan(room)
      }
      const seen: number[] = []
      pool.visit((some, count, from) => {
        expect(from).toBe(seen.length / width)
        seen.push(...some.subarray(0, count * width))
      })
      expect(seen).toEqual(held)
      for (const isSound of [false, true]) {
        const copy = rowPool({ width, room })
        copy.restore('test', saved, isSound)
        expect([...copy.read()]).toEqual(held)
        expect([copy.rows, copy.used, copy.saved()]).toEqual([pool.rows, pool.used, pool.saved()])
      }
      if (took < rows || next(9) === 0) {
        const keep = next(pool.rows)
        held = held.slice(0, keep * width)
        const predicted = pool.bytesOf(Int32Array.from(held), keep)
        pool.replace(Int32Array.from(held), keep)
        expect(pool.used).toBe(keep === 0 ? 0 : predicted)
        expect([...pool.read()]).toEqual(held)
      }
    }
  })

  test('is told in pieces of at most 512 rows', () => {
    const pool = rowPool({ width, room: 1e6 })
    const codes = codesOfRows(1500, 1)
    expect(pool.append(codes, 1500, 0)).toBe(1500)
    const pieces: number[] = []
    pool.visit((_, rows) => pieces.push(rows))
    expect(pieces).toEqual([512, 512, 476])
    expect([...pool.read()]).toEqual([...codes])
    expect([...pool.saved().blocks].map((head) => head % 128)).toEqual([...Array.from({ length: 23 }, () => 64), 28])
  })

  test('means of rows make a block shorter: rows far from 0 cost no more than rows around it', () => {
    const [near, far] = [codesOfRows(64, 4), codesOfRows(64, 4).map((x, i) => x + 9000 * (1 + (i % width)))]
    const pool = rowPool({ width, room: 1e6 })
    expect(pool.bytesOf(far, 64)).toBeLessThan(pool.bytesOf(near, 64) + 4)
    pool.replace(far, 64)
    expect(pool.used).toBeLessThan(pool.bytesOf(near, 64) + 4)
    const means = pool.saved().priors.slice(0, width)
    for (let c = 0; c < width; c++) expect(Math.abs(means[c] - MOST_CODE - 9000 * (c + 1))).toBeLessThan(150)
    for (const size of pool.saved().priors.slice(width)) expect(Math.abs(size / 64 - 250)).toBeLessThan(80)
  })

  const pool = rowPool({ width, room: 1000 })
  pool.append(codesOfRows(80, 3), 80, 0)
  const saved = pool.saved()
  const { codes, blocks, priors } = saved
  const lengths = [...blocks].map((one) => Math.floor(one / 128))
  const joined = Uint32Array.of(head(64, lengths[0]), head(16, lengths[1]))
  it.each<[string, object, number?]>([
    ['a room that is too small by one byte', {}, pool.used - 1],
    ['codes that end too soon', { codes: codes.slice(0, -1) }],
    ['codes that go on', { codes: Uint8Array.of(...codes, 0) }],
    ['a block of no rows', { blocks: Uint32Array.of(joined[0], head(0, lengths[1])) }],
    ['a block of too many rows', { blocks: Uint32Array.of(joined[0], head(65, lengths[1])) }],
    ['a first block that is not full', { blocks: Uint32Array.of(head(63, lengths[0]), joined[1]) }],
    ['an empty block', { codes: codes.slice(0, lengths[0]), blocks: Uint32Array.of(joined[0], head(16, 0)) }],
    ['a row more than was written', { blocks: Uint32Array.of(joined[0], head(17, lengths[1])) }],
    ['a mean beyond the codes', { priors: priors.with(0, 2 * MOST_CODE + 1) }],
    ['a size beyond all codes', { priors: priors.with(width, 4_194_177) }],
    ['a mean that follows by more than it can', { guesses: saved.guesses.with(1, 5) }],
    ['a link too many', { links: Uint8Array.of(...saved.links, 128) }],
    ['a coordinate that is linked without links', { guesses: saved.guesses.with(2, 128 + 3) }],
  ])('refuses a snapshot with %s', (_, change, room = 1000) => {
    const damaged = { ...saved, ...change }
    expect(() => rowPool({ width, room }).restore('test', damaged)).toThrow(
      'test: the tensors do not fit the parameters',
    )
  })
  test('takes the same snapshot whole', () => {
    expect(() => rowPool({ width, room: pool.used }).restore('test', { ...saved, blocks: joined })).not.toThrow()
    // The largest means and sizes are some that a pool can have.
    const most = priors.map((_, i) => (i < width ? 2 * MOST_CODE : 4_194_176))
    const long = rowPool({ width, room: 1000 })
    long.restore('test', { ...saved, priors: most }, true)
    expect(long.saved().priors).toEqual(most)
  })
})
