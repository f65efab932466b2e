import type { Matrix, Seed, SketchMatrix } from '@sublinear/core'

export interface Mutant<T> {
  /** The mistake, in words. */
  readonly mistake: string
  /** Part of the name of a law that must reject it. */
  readonly law: string
  readonly make: T
}

type MakeMatrix = (shape: { m: number; seed: Seed }) => SketchMatrix
type MakeHash = (seed: Seed) => (key: number) => number

const part = (block: Matrix, from: number, to: number): Matrix => ({
  rows: to - from,
  cols: block.cols,
  data: block.data.subarray(from * block.cols, to * block.cols),
})

/**
 * Makes broken copies of a correct sketch matrix, each with a law of `sketchMatrixLaws` (or `innerProductLaw`) that must reject it. They
 * test the laws themselves, on a matrix of any kind.
 */
export function sketchMatrixMutants(make: MakeMatrix): Mutant<MakeMatrix>[] {
  const mutant = (mistake: string, law: string, change: (good: SketchMatrix) => Partial<SketchMatrix>) => ({
    mistake,
    law,
    make: (shape: { m: number; seed: Seed }): SketchMatrix => {
      const good = make(shape)
      const { resident: _, ...ordinary } = good
      return Object.defineProperties(ordinary, Object.getOwnPropertyDescriptors(change(good)))
    },
  })
  let calls = 0
  return [
    mutant('counts arrivals instead of taking the index', 'rows arrive', (good) => ({
      accumulate: (into, block, _first) => good.accumulate(into, block, 0),
    })),
    mutant('takes the index mod 2^32', 'far apart', (good) => ({
      accumulate(into, block, first) {
        for (let i = 0; i < block.rows; i++) good.accumulate(into, part(block, i, i + 1), (first + i) % 2 ** 32)
      },
    })),
    mutant('overwrites what it should add to', 'accumulate adds', (good) => ({
      accumulate(into, block, first) {
        const kept = into.data.slice()
        good.accumulate(into, block, first)
        into.data.forEach((x, i) => (into.data[i] = x - kept[i]))
      },
    })),
    mutant('forgets the last row of a long block', 'any cut', (good) => ({
      accumulate: (into, block, first) => good.accumulate(into, part(block, 0, Math.min(block.rows, 64)), first),
    })),
    mutant('starts blocks of 64 anew at every call', 'bit for bit', (good) => ({
      accumulate(into, block, first) {
        const size = 64
        for (let i = 0; i < block.rows; i += size) {
          good.accumulate(into, part(block, i, Math.min(block.rows, i + size)), Math.floor(first / size) * size + i)
        }
      },
    })),
    mutant('changes its block', 'accumulate adds', (good) => ({
      accumulate(into, block, first) {
        good.accumulate(into, block, first)
        if (block.data.length > 0) block.data[0] *= 1.5
      },
    })),
    mutant('is not linear', 'accumulate adds', (good) => ({
      accumulate: (into, block, first) => good.accumulate(into, { ...block, data: block.data.map(Math.abs) }, first),
    })),
    mutant('is another matrix at every call', 'bit for bit', (good) => ({
      accumulate: (into, block, first) => good.accumulate(into, block, calls++ % 2 === 0 ? first : first ^ 1),
    })),
    mutant('is another matrix every time it is made', 'bit for bit', () => make({ m: 1, seed: 0 })),
    mutant('grows with the stream', 'bytes', (good) => {
      let held = good.bytes
      return {
        get bytes() {
          return held
        },
        accumulate(into, block, first) {
          held += block.rows
          good.accumulate(into, block, first)
        },
      }
    }),
    mutant('has one kind for all options', 'unlike', () => ({ kind: 'sketch' })),
    mutant('has a seed of 32 bits', 'bit for bit', (good) => ({ seed: BigInt.asUintN(16, good.seed) })),
    mutant('does not check shapes', 'broken calls', (good) => ({
      accumulate(into, block, first) {
        if (into.rows === good.m && into.cols === block?.cols) good.accumulate(into, block, first)
      },
    })),
    mutant('accepts any index', 'broken calls', (good) => ({
      accumulate: (into, block, first) =>
        good.accumulate(into, block, typeof first === 'number' ? Math.max(0, Math.floor(first)) || 0 : first),
    })),
    mutant('has NaN in its last column', 'finite', (good) => ({
      accumulate(into, block, first) {
        good.accumulate(into, block, first)
        if (first + block.rows > 2 ** 52) into.data[0] = NaN
      },
    })),
    mutant('takes the row after in the kernels', 'resident product', (good) => ({
      accumulate: good.accumulate,
      resident: {
        accumulate: (into, block, rows, width, first) =>
          good.resident?.accumulate(into, block, rows, width, Math.min(first + 1, 2 ** 53 - 1 - rows)),
      },
    })),
    mutant('is not scaled by 1/√m', 'mean and variance', (good) => scaled(good, Math.sqrt(good.m))),
    mutant('repeats its first row', 'mean and variance', (good) => ({
      accumulate(into, block, first) {
        const own = { ...into, data: new Float32Array(into.data.length) }
        good.accumulate(own, block, first)
        into.data.forEach((x, i) => (into.data[i] = x + own.data[i % into.cols]))
      },
    })),
    mutant('has one row twice', 'rows of Ψ are uncorrelated', (good) => ({
      accumulate(into, block, first) {
        const own = { ...into, data: new Float32Array(into.data.length) }
        good.accumulate(own, block, first)
        const [last, twice] = [into.data.length - into.cols, into.data.length - 2 * into.cols]
        if (twice >= 0) own.data.copyWithin(last, twice, last)
        for (const [i, x] of own.data.entries()) into.data[i] += x
      },
    })),
    mutant('gives two neighbouring columns the same entries', 'mean and variance', (good) => ({
      accumulate(into, block, first) {
        for (let i = 0; i < block.rows; i++) good.accumulate(into, part(block, i, i + 1), first + i - ((first + i) % 2))
      },
    })),
  ]
}

function scaled(good: SketchMatrix, factor: number): Partial<SketchMatrix> {
  return {
    accumulate: (into, block, first) =>
      good.accumulate(into, { ...block, data: block.data.map((x) => x * factor) }, first),
  }
}

/**
 * Makes broken hash functions with values 0 … 2^31 − 2 from a correct one of that range and independence 4 or more, each with a law of `hashLaws` that must
 * reject it.
 */
export function hashMutants(make: MakeHash): Mutant<MakeHash>[] {
  const top = 2 ** 31 - 1
  const on = (
    mistake: string,
    law: string,
    change: (good: (key: number) => number, key: number, seed: Seed) => number,
  ) => ({
    mistake,
    law,
    make: (seed: Seed) => {
      const good = make(seed)
      return (key: number) => change(good, key, seed)
    },
  })
  let calls = 0
  return [
    on('remembers', 'seed and key alone', (good, key) => good(key) ^ (calls++ & 1)),
    on('can be its range', 'seed and key alone', (good, key) => good(key) + (key === 0 ? top - good(key) : 0)),
    on('has fractions', 'seed and key alone', (good, key) => good(key) / 2),
    on('drops the high bits of the key', 'every bit', (good, key) =>
      good(Number.isSafeInteger(key) ? key % 2 ** 32 : key),
    ),
    on('reduces the key mod p first', 'every bit', (good, key) => good(Number.isSafeInteger(key) ? key % top : key)),
    { mistake: 'uses half of the seed', law: 'every bit', make: (seed) => make(BigInt.asUintN(32, BigInt(seed))) },
    on('alternates on consecutive keys', 'fall independently', (good, key, seed) => {
      good(key)
      return ((Number(BigInt(seed) & 1n) + key) % 2) * (top - 1) // a random sign times (−1) to the power of the key
    }),
    on('has period 4', 'fall independently', (good, key) => good((key % 4) * 2 ** 20)),
    on('is linear in the key: two-wise', 'fall independently', (good, key) => {
      const sum = BigInt(good(0)) + BigInt(good(1)) * BigInt(key)
      return Number(sum % BigInt(top))
    }),
    on('is biased', 'fall independently', (good, key) => Math.floor(good(key) * 0.9)),
    on('takes any key', 'keys that are none', (good, key) => good(Math.max(0, Math.floor(Number(key)) || 0) % 2 ** 53)),
  ]
}
