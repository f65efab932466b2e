// Exact recovery: peeling against the vector itself, its chance of failing against a count of all cases, and that it knows. Kills (the
// first three tried): a fingerprint that is not checked, tables that share a hash, values read as p − x where negative; indices or values mod
// 2^32, a stopping-set formula off by one.
// False alarms: 1e-6. Misses: tables that share a hash never (eight keys in four cells cannot be peeled); a failure rate of 2δ with 0.48, of 3δ with 3e-4 (exact binomial).
import { decodeSnapshot, encodeSnapshot } from '@sublinear/core'
import { mostFailures } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { exactRecovery, exactRecoveryTables, restoreExactRecovery, type ExactRecovery } from '../src'
import { noneAlone } from '../src/exact-recovery-tables'
import { randomOf } from './truth'

const options = { n: 2 ** 32, k: 8, delta: 0.01 }
const fresh = (seed = 1) => exactRecovery({ ...options, seed })

function vector(seed: number, count: number): Map<number, number> {
  const random = randomOf(seed)
  const x = new Map<number, number>()
  while (x.size < count) x.set(random.below(2 ** 32), random.sign() * (1 + random.below(seed % 3 ? 10 : 2 ** 52)))
  return x
}
function fed(stream: ExactRecovery, x: Iterable<readonly [number, number]>): ExactRecovery {
  for (const [index, change] of x) stream.update(index, change)
  return stream
}
const decoded = (stream: ExactRecovery) => {
  const found = stream.decode()
  return found && new Map(Array.from(found.indices, (index, c) => [index, found.values[c]]))
}

describe('exactRecovery', () => {
  it('returns every vector of at most k integers exactly, but for a share of δ', () => {
    const SEEDS = 4500
    let [failures, tried] = [0, 0]
    for (let seed = 0; seed < SEEDS; seed++) {
      const x = vector(seed, seed % 3 === 0 ? (seed / 3) % 8 : 8)
      const found = decoded(fed(fresh(seed), x))
      if (x.size === 8) tried++
      if (found === undefined) failures++
      else expect(found).toEqual(x)
    }
    expect(failures).toBeLessThanOrEqual(mostFailures(tried, 0.01, 1e-6)) // fewer keys hardly ever fail
    expect(failures).toBeGreaterThan(0) // the tables are no larger than they need be
  })

  it('knows when there is too much: never a wrong vector', () => {
    let told = 0
    for (let seed = 0; seed < 2000; seed++) {
      const x = vector(seed, 9 + (seed % 60))
      const found = decoded(fed(fresh(seed), x))
      if (found === undefined) told++
      else expect(found).toEqual(x)
    }
    expect(told).toBeGreaterThan(1500)
  })

  it('takes keys side by side, the ends of the range and large values', () => {
    const x = new Map([
      [0, 1],
      [1, -1],
      [2, Number.MAX_SAFE_INTEGER],
      [2 ** 32 - 1, -Number.MAX_SAFE_INTEGER],
      [2 ** 32 - 2, 5],
      [2 ** 31, 7],
    ])
    for (let seed = 0; seed < 20; seed++) {
      const found = decoded(fed(fresh(seed), x))
      if (found) return expect(found).toEqual(x)
    }
    throw new Error('20 seeds failed')
  })

  it('cancels exactly, in any order, merged from anywhere', () => {
    const x = [...vector(5, 200)]
    const stream = fed(fresh(), x)
    expect(stream.decode()).toBeUndefined()
    const inverse = x.slice(6).map(([index, change]) => [index, -change] as const)
    const other = fed(fresh(), inverse.toReversed())
    const kept = other.toBytes()
    stream.merge(other)
    expect(other.toBytes()).toEqual(kept)
    expect(decoded(stream)).toEqual(new Map(x.slice(0, 6)))
    fed(
      stream,
      x.slice(0, 6).map(([index, change]) => [index, -change] as const),
    )
    expect(stream.toBytes()).toEqual(fresh().toBytes())
    expect(stream.decode()!.indices.length).toBe(0)
  })

  it('never rounds: a total beyond 2^53 − 1 is told as unknown, and told again when it is back', () => {
    const stream = fed(fresh(), [
      [5, Number.MAX_SAFE_INTEGER],
      [9, -3],
    ])
    stream.update(5, 2)
    expect(stream.decode()).toBeUndefined()
    stream.update(5, -2)
    expect(decoded(stream)).toEqual(
      new Map([
        [5, Number.MAX_SAFE_INTEGER],
        [9, -3],
      ]),
    )
  })

  it('resumes from a snapshot; asking changes nothing', () => {
    const stream = fed(fresh(), vector(6, 7))
    const bytes = stream.toBytes()
    stream.decode()
    expect(stream.toBytes()).toEqual(bytes)
    const back = restoreExactRecovery(bytes)
    expect(back.toBytes()).toEqual(bytes)
    expect(decoded(fed(back, [[3, 4]]))).toEqual(decoded(fed(stream, [[3, 4]])))
    expect(stream.bytes).toBeGreaterThanOrEqual(8 * stream.m)
  })

  it('refuses what is out of range, and hostile snapshots, and changes nothing', () => {
    const stream = fed(fresh(), vector(7, 5))
    const bytes = stream.toBytes()
    for (const index of [-1, 2 ** 32, 0.5, NaN])
      expect(() => stream.update(index, 1)).toThrow(/exactRecovery: index must be/)
    for (const change of [0.5, NaN, Infinity, 2 ** 53]) expect(() => stream.update(0, change)).toThrow(RangeError)
    expect(() => stream.update(0, 1n as unknown as number)).toThrow(TypeError)
    expect(() => stream.merge(fresh(2))).toThrow(/seed differs/)
    expect(() => stream.merge(exactRecovery({ ...options, k: 9, seed: 1 }))).toThrow(/k differs/)
    expect(() => stream.merge({} as ExactRecovery)).toThrow(TypeError)
    expect(stream.toBytes()).toEqual(bytes)
    const { kind, version, parameters, tensors } = decodeSnapshot(bytes)
    const again = (more: Record<string, string>, data = tensors.get('cells')!.data) =>
      encodeSnapshot({
        kind,
        version,
        parameters: { ...parameters, ...more },
        tensors: { cells: { dtype: 'U64', shape: [data.length], data } },
      })
    expect(restoreExactRecovery(again({})).toBytes()).toEqual(bytes)
    const cells = tensors.get('cells')!.data as BigUint64Array
    for (const hostile of [
      again({ n: '0' }),
      again({ k: '1e9' }),
      again({ delta: '2' }),
      again({ delta: '1e-300' }, new BigUint64Array(0)),
      again({ seed: '-3' }),
      again({}, cells.slice(1)),
      again(
        {},
        cells.map(() => (1n << 61n) - 1n),
      ),
    ]) {
      expect(() => restoreExactRecovery(hostile)).toThrow(RangeError)
    }
    for (const broken of [{ n: 0 }, { k: 0 }, { k: 2 ** 18 + 1 }, { delta: 0 }, { delta: 1 }, { delta: 1e-300 }]) {
      expect(() => exactRecovery({ ...options, ...broken, seed: 1 })).toThrow(RangeError)
    }
  })
})

describe('exactRecoveryTables', () => {
  it('counts stopping sets: P(s, w) is the share of all w^s placements that leave no key alone', () => {
    for (const w of [1, 2, 3, 4]) {
      const logs = noneAlone(7, w)
      for (let s = 2; s <= 7; s++) {
        let none = 0
        for (let code = 0; code < w ** s; code++) {
          const counts = new Uint8Array(w)
          for (let i = 0, rest = code; i < s; i++, rest = Math.floor(rest / w)) counts[rest % w]++
          if (counts.every((count) => count !== 1)) none++
        }
        expect(Math.exp(logs[s])).toBeCloseTo(none / w ** s, 12)
      }
    }
  })

  it('meets every δ that 2^20 cells can, and refuses the others', () => {
    for (const k of [1, 2, 8, 600]) {
      for (let digits = 1; digits <= 320; digits++) {
        const delta = Number(`1e-${digits}`)
        let found: ReturnType<typeof exactRecoveryTables> | undefined
        try {
          found = exactRecoveryTables({ k, delta })
        } catch (error) {
          expect((error as Error).message).toMatch(
            /^exactRecoveryTables: delta must be what 6 tables of 2\^20 cells reach/,
          )
          expect(digits).toBeGreaterThan(30)
          continue
        }
        // Two keys that share a cell of every table are the least that any sum of stopping sets counts.
        const { tables, cells } = found
        expect(Number.isInteger(cells) && cells >= 1 && cells <= 2 ** 20).toBe(true)
        expect((k * (k - 1)) / 2 / cells ** tables).toBeLessThanOrEqual(delta * (k > 512 ? 2 : 1))
      }
    }
    expect(exactRecoveryTables({ k: 8, delta: 0.001 })).toEqual({ tables: 6, cells: 6 })
  })

  it('takes 1.3 to 2 cells a key for many keys, and more for a smaller δ', () => {
    for (const k of [64, 512, 5000]) {
      const cells = [0.1, 0.01, 1e-4, 1e-8].map((delta) => {
        const { tables, cells } = exactRecoveryTables({ k, delta })
        return (tables * cells) / k
      })
      expect(cells).toEqual(cells.toSorted((a, b) => a - b))
      expect(cells[0]).toBeGreaterThan(1.22)
      expect(cells[1]).toBeLessThan(2)
    }
  })
})
