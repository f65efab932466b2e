// Heavy hitters as a stream: linear, ordered by nothing, exact where integers cancel; snapshots, merges, refusals. Kills: float32 in the
// state (cancellation leaves 1e-8), the held changes lost by a snapshot, a merge or a question, a question that flushes, indices mod 2^32,
// a merge of other seeds, an estimate from one row (rms 2.2 times as far), an update that counts before it checks.
import { encodeSnapshot, decodeSnapshot } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { heavyHitters, recoveryRows, restoreHeavyHitters, sparseRecovery, type HeavyHitters } from '../src'
import { randomOf } from './truth'

const size = { n: 100_003, k: 8, epsilon: 0.5 }
const fresh = (seed: number | bigint = 1) => heavyHitters({ ...size, seed })

function changes(seed: number, count: number, whole = true): [number, number][] {
  const random = randomOf(seed)
  return Array.from({ length: count }, () => [
    random.below(size.n),
    whole ? random.below(2000) - 1000 : random.normal() * 10 ** (random.below(5) - 2),
  ])
}
function fed(stream: HeavyHitters, all: readonly (readonly [number, number])[]): HeavyHitters {
  for (const [index, change] of all) stream.update(index, change)
  return stream
}

describe('heavyHitters', () => {
  it('finds the large totals of a signed stream, largest first', () => {
    const stream = fed(fresh(), changes(1, 5000))
    stream.update(7, 1e6)
    stream.update(99_999, -3e6)
    stream.update(7, 1e6)
    const top = stream.top()
    expect(top.slice(0, 2).map(({ index }) => index)).toEqual([99_999, 7])
    expect(top[0].estimate).toBeCloseTo(-3e6, -4)
    expect(top).toHaveLength(2) // the rest is noise
    expect(stream.top(2)).toEqual(top)
    expect(stream.top(1)).toEqual(top.slice(0, 1))
    expect(stream.top(0)).toEqual([])
    expect(stream.top(8, { above: 0 })).toHaveLength(8)
    expect(stream.top(16, { above: 0 }).length).toBe(16)
    expect(stream.top(1000, { above: 0 }).length).toBe(16) // at most 2k
    expect(stream.top(8, { above: 2.5e6 })).toEqual(top.slice(0, 1))
    const sizes = stream.top(16, { above: 0 }).map(({ estimate }) => Math.abs(estimate))
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
  })

  it('forgets integers exactly: changes and their inverses, in another order, leave zeros', () => {
    const all = changes(2, 3000)
    const stream = fed(fresh(), all)
    fed(
      stream,
      all.toReversed().map(([index, change]) => [index, -change] as const),
    )
    expect(stream.measured.every((x) => x === 0)).toBe(true)
    expect(stream.top()).toEqual([])
    expect(stream.estimate(all[0][0])).toBe(0)
  })

  it('depends on totals alone: order, cuts and merge trees give the same measurements', () => {
    const all = changes(3, 1000)
    const whole = fed(fresh(), all).measured
    expect(
      fed(
        fresh(),
        all.toSorted(([a], [b]) => a - b),
      ).measured,
    ).toEqual(whole)
    const shards = [0, 1, 2, 3].map((s) =>
      fed(
        fresh(),
        all.filter((_, i) => i % 4 === s),
      ),
    )
    shards[0].merge(shards[1])
    shards[2].merge(shards[3])
    const kept = shards[2].measured
    shards[0].merge(shards[2])
    expect(shards[0].measured).toEqual(whole)
    expect(shards[2].measured).toEqual(kept)
  })

  it('measures what Φ of sparseRecovery does', () => {
    const stream = fed(fresh(9), changes(4, 200))
    const recovery = sparseRecovery({ ...size, seed: 9 })
    expect(recovery.m).toBe(stream.m)
    const { indices, values } = recovery.decode(stream.measured)
    const top = stream.top(8, { above: 0 }).toSorted((a, b) => a.index - b.index)
    expect(top.map(({ index, estimate }) => ({ index, estimate }))).toEqual(
      Array.from(indices, (index, c) => ({ index, estimate: values[c] })),
    )
  })

  it('estimates single entries without bias, within ‖x‖/√width', () => {
    const all = new Map<number, number>()
    const random = randomOf(5)
    for (let i = 0; i < 2000; i++) all.set(random.below(size.n), random.normal())
    all.set(42, 5)
    const norm = Math.sqrt([...all.values()].reduce((sum, x) => sum + x * x, 0))
    const SEEDS = 400
    let [mean, square] = [0, 0]
    for (let seed = 0; seed < SEEDS; seed++) {
      const error = fed(fresh(seed), [...all]).estimate(42) - 5
      mean += error / SEEDS
      square += error ** 2 / SEEDS
    }
    const width = 64
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(square / SEEDS))
    // The median of five normal estimates has 0.287 times the variance of one; 0.15 to 0.5 allows for five standard errors and tails.
    // False alarm: 6e-7 a bound. Misses: an estimate from one row below 1e-9 (P[χ²₄₀₀ < 200]).
    expect(square).toBeLessThan((0.5 * norm ** 2) / width)
    expect(square).toBeGreaterThan((0.15 * norm ** 2) / width)
  })

  it('resumes from a snapshot bit for bit, and asking leaves none different', () => {
    for (const count of [0, 1, 63, 64, 65, 1000]) {
      const stream = fed(fresh(), changes(6, count, false))
      const bytes = stream.toBytes()
      stream.top()
      stream.estimate(3)
      expect(stream.measured).toBeDefined()
      expect(stream.toBytes()).toEqual(bytes)
      const back = restoreHeavyHitters(bytes)
      expect(back.toBytes()).toEqual(bytes)
      const more = changes(7, 100, false)
      expect(fed(back, more).toBytes()).toEqual(fed(stream, more).toBytes())
      expect(back.top()).toEqual(stream.top())
      expect(bytes.length).toBeLessThanOrEqual(stream.bytes + 1000)
    }
  })

  it('refuses snapshots that are damaged or do not fit', () => {
    const bytes = fed(fresh(), changes(8, 70)).toBytes()
    for (const at of [20, 200, bytes.length - 1]) {
      const broken = bytes.slice()
      broken[at] ^= 4
      expect(() => restoreHeavyHitters(broken)).toThrow(RangeError)
    }
    expect(() => restoreHeavyHitters(bytes.subarray(0, 100))).toThrow(RangeError)
    const { kind, version, parameters, tensors } = decodeSnapshot(bytes)
    const again = (more: Record<string, string>, change: Record<string, Float64Array> = {}) => {
      const data = (name: string) => change[name] ?? (tensors.get(name)!.data as Float64Array)
      const part = (name: string) => [name, { dtype: 'F64' as const, shape: [data(name).length], data: data(name) }]
      return encodeSnapshot({
        kind,
        version,
        parameters: { ...parameters, ...more },
        tensors: Object.fromEntries(['state', 'held-indices', 'held-changes'].map(part)),
      })
    }
    expect(restoreHeavyHitters(again({})).toBytes()).toEqual(bytes)
    for (const hostile of [
      again({ n: '1e300' }),
      again({ n: '-5' }),
      again({ k: '1.5' }),
      again({ k: String(2 ** 40) }),
      again({ epsilon: 'NaN' }),
      again({ epsilon: '1e-12' }),
      again({ seed: '-1' }),
      again({ seed: 'x' }),
      again({ keyBytes: '-1' }),
      again({ n: '200003' }, { state: new Float64Array(5) }),
      again({}, { state: new Float64Array(fresh().m).fill(NaN) }),
      again({}, { state: new Float64Array(fresh().m).fill(1.7e308) }),
      again({}, { 'held-changes': Float64Array.of(2 ** 901, 0, 0, 0, 0, 0) }),
      again({}, { 'held-indices': Float64Array.of(size.n, 0, 1, 2, 3, 4) }),
      again({}, { 'held-changes': Float64Array.of(1) }),
      again({}, { 'held-indices': new Float64Array(64), 'held-changes': new Float64Array(64) }),
    ]) {
      expect(() => restoreHeavyHitters(hostile)).toThrow(RangeError)
    }
  })

  it('refuses a snapshot with keys that have no indices', () => {
    const stream = heavyHitters({ n: 1000, k: 4, epsilon: 0.5, seed: 1n, keyBytes: 100 })
    stream.update('one', 1)
    const { kind, version, parameters, tensors } = decodeSnapshot(stream.toBytes())
    const { 'key-indices': _, ...others } = Object.fromEntries(tensors)
    expect(() => restoreHeavyHitters(encodeSnapshot({ kind, version, parameters, tensors: others }))).toThrow(
      'Every key has an index',
    )
  })

  it('refuses what is out of range and changes nothing', () => {
    const stream = fed(fresh(), changes(9, 70))
    const bytes = stream.toBytes()
    for (const index of [-1, size.n, 0.5, NaN])
      expect(() => stream.update(index, 1)).toThrow(/heavyHitters: index must be/)
    for (const change of [NaN, Infinity, -Infinity, 2 ** 901])
      expect(() => stream.update(0, change)).toThrow(RangeError)
    expect(() => stream.update(true as unknown as number, 1)).toThrow(TypeError)
    expect(() => stream.update(3, '1' as unknown as number)).toThrow(TypeError)
    expect(() => stream.top(-1)).toThrow(/count must be an integer >= 0, got -1/)
    expect(() => stream.top(1, { delta: 1 })).toThrow(/delta must be below 1, got 1/)
    expect(() => stream.bounds(1, { delta: 0 })).toThrow(/delta must be a finite number > 0, got 0/)
    expect(() => stream.top(1, { above: -1 })).toThrow(/above must be/)
    expect(() => stream.estimate(size.n)).toThrow(RangeError)
    expect(() => stream.merge(fresh(2))).toThrow(/heavyHitters: seed differs: 1 here, 2 there/)
    expect(() => stream.merge(heavyHitters({ ...size, k: 9, seed: 1 }))).toThrow(/k differs/)
    expect(() => stream.merge(heavyHitters({ ...size, n: size.n + 1, seed: 1 }))).toThrow(/n differs/)
    expect(() => stream.merge(heavyHitters({ ...size, epsilon: 0.4, seed: 1 }))).toThrow(/epsilon differs/)
    expect(() => stream.merge(undefined as unknown as HeavyHitters)).toThrow(TypeError)
    expect(() => stream.merge({} as unknown as HeavyHitters)).toThrow(TypeError)
    expect(stream.toBytes()).toEqual(bytes)
    for (const broken of [
      { n: 0, k: 1, epsilon: 0.5 },
      { n: 2 ** 32 + 1, k: 1, epsilon: 0.5 },
      { n: 100, k: 101, epsilon: 0.5 },
      { n: 100, k: 0, epsilon: 0.5 },
      { n: 100, k: 1, epsilon: 0 },
      { n: 100, k: 1, epsilon: 1.5 },
      { n: 2 ** 32, k: 2 ** 20, epsilon: 0.5 },
    ]) {
      expect(() => heavyHitters({ ...broken, seed: 1 })).toThrow(RangeError)
      expect(() => sparseRecovery({ ...broken, seed: 1 })).toThrow(RangeError)
    }
    expect(() => heavyHitters({ ...size, seed: -1 })).toThrow(RangeError)
    expect(() => heavyHitters({ n: 2 ** 32, k: 2 ** 30, epsilon: 0.5, seed: 1 })).toThrow(
      'heavyHitters: n must be at most 2^28 where k and epsilon leave nothing shorter than the vector, got 4294967296',
    )
  })

  it('refuses totals beyond 2^1000, which no number of changes reaches, and stays as it was', () => {
    const stream = fed(fresh(), [[5, 2 ** 900]])
    for (let i = 0; i < 100; i++) stream.merge(stream)
    expect(stream.top(1)).toMatchObject([{ index: 5, estimate: 2 ** 1000 }])
    const bytes = stream.toBytes()
    expect(() => stream.merge(stream)).toThrow(/heavyHitters: totals must be at most 2\^1000/)
    expect(stream.toBytes()).toEqual(bytes)
    const { decode, m } = sparseRecovery({ ...size, seed: 1 })
    expect(decode(new Float64Array(m).fill(2 ** 1000)).values.every(Number.isFinite)).toBe(true)
    expect(() => decode(new Float64Array(m).fill(1.7e308))).toThrow(
      /at most 2\^1000 in magnitude, got 1.7e\+308 at row 0/,
    )
  })

  it('takes numbers of any size', () => {
    const stream = fresh()
    fed(stream, [
      [5, 2 ** 900],
      [6, -(2 ** 899)],
      [7, 1],
    ])
    expect(stream.top(2)).toMatchObject([
      { index: 5, estimate: 2 ** 900 },
      { index: 6, estimate: -(2 ** 899) },
    ])
    const small = fed(fresh(), [[3, 1e-300]])
    expect(small.top()).toMatchObject([{ index: 3, estimate: 1e-300 }])
  })
})

describe('where m would be n/4 or more', () => {
  it('the vector is stored and answers are exact', () => {
    for (const n of [1, 2, 50, 2816]) {
      const k = Math.min(8, n)
      expect(recoveryRows({ n, k, epsilon: 0.5 })).toBe(n)
      const stream = heavyHitters({ n, k, epsilon: 0.5, seed: 1 })
      expect([stream.dominated, stream.m]).toEqual([true, n])
      const x = Float64Array.from({ length: n }, (_, i) => ((i * 7919) % 101) - 50)
      for (const [i, value] of x.entries()) stream.update(i, value)
      const wanted = Array.from(x, (value, index) => ({
        index,
        estimate: value,
        lower: value,
        upper: value,
        delta: 0.01,
      }))
        .filter(({ estimate }) => estimate !== 0)
        .toSorted((a, b) => Math.abs(b.estimate) - Math.abs(a.estimate) || a.index - b.index)
        .slice(0, k)
      expect(stream.top()).toEqual(wanted)
      expect(stream.estimate(n - 1)).toBe(x[n - 1])
      expect(restoreHeavyHitters(stream.toBytes()).top()).toEqual(wanted)
    }
  })

  it('and not from there on', () => {
    expect(sparseRecovery({ n: 2817, k: 8, epsilon: 0.5, seed: 1 }).dominated).toBe(false)
    expect(sparseRecovery({ n: 2816, k: 8, epsilon: 0.5, seed: 1 }).dominated).toBe(true)
  })
})
