import { amsSketch } from '@sublinear/ams-sketch'
import { sketch } from '@sublinear/core'
import { bucketHash, fourWiseSigns, polynomialHash, tabulationHash } from '@sublinear/hash-families'
import { naiveProduct } from '../baselines/naive-product.ts'
import { tiledProduct } from '../baselines/product.ts'
import { childScript, peakMemory } from '../child.ts'
import { cpuTime } from '../measure.ts'
import { normalMatrix, normals } from '../random.ts'
import { timed, type Case, type Group, type Suite } from '../suite.ts'

const M = 1024
const WIDTH = 64
const BLOCK = 64

export const suite: Suite = {
  name: 'sketches',
  rounds: 15,
  groups: () => [amsGroup(), signsGroup(), hashesGroup(), lengthGroup(), memoryGroup()],
}

/** Ψ·block added to a state, 64 rows of 64. Plain JavaScript is given Ψ expanded; this package makes its signs anew each time. */
function amsGroup(): Group {
  const block = normalMatrix(BLOCK, WIDTH, 1)
  const given = normals(M * BLOCK, 2).map((x) => Math.sign(x) / Math.sqrt(M))
  const state = () => ({ rows: M, cols: WIDTH, data: new Float32Array(M * WIDTH) })
  const [naive, tiled, own] = [state(), state(), state()]
  const psi = amsSketch({ m: M, seed: 1 })
  const signs = fourWiseSigns({ count: M, seed: 1 })
  const columns = new Float32Array(M * BLOCK)
  const [NAIVE, TILED, AMS] = ['naive JS, signs given', 'tiled JS, signs given', 'amsSketch, signs and product']
  let block64 = 0
  return {
    name: `AMS sketch, m = ${M}, blocks of ${BLOCK} rows of ${WIDTH}`,
    unit: { name: 'µs', of: 'row', count: BLOCK },
    cases: [
      timed(NAIVE, () => naiveProduct(naive.data, given, block.data, M, BLOCK, WIDTH)),
      timed(TILED, () => tiledProduct('nn', tiled.data, given, block.data, M, BLOCK, WIDTH, true)),
      timed(AMS, () => psi.accumulate(own, block, BLOCK * block64++), [TILED, NAIVE]),
      timed('its signs alone', () => signs.fill(BLOCK * block64++, BLOCK, columns, 1 / 32), [AMS]),
    ],
  }
}

function signsGroup(): Group {
  const signs = fourWiseSigns({ count: M, seed: 1 })
  const words = new Uint32Array(2 * M)
  const floats = new Float32Array(M * BLOCK)
  const hash = polynomialHash({ independence: 4, seed: 1, prime: '2^31-1' })
  const values = new Uint32Array(M)
  const POLYNOMIAL = 'polynomialHash mod 2^31 - 1, k = 4, one value a sign'
  let block = 0
  return {
    name: `4-wise signs, ${M} functions, blocks of ${BLOCK}`,
    unit: { name: 'ns', of: 'sign', count: M * BLOCK },
    cases: [
      timed(POLYNOMIAL, () => {
        for (let i = 0; i < BLOCK; i++) hash.fill(i * M, M, values)
      }),
      timed('as bits', () => signs.words(BLOCK * block++, words), [POLYNOMIAL]),
      timed('as ±unit', () => signs.fill(BLOCK * block++, BLOCK, floats, 1), [POLYNOMIAL]),
    ],
  }
}

function hashesGroup(): Group {
  const count = 4096
  const out = new Uint32Array(2 * count)
  const hashes = (['2^31-1', '2^61-1'] as const).map((prime) => polynomialHash({ independence: 4, seed: 1, prime }))
  const buckets = bucketHash({ count: 1, buckets: 1000, independence: 4, seed: 1 })
  const tables = tabulationHash({ characterBits: 12, seed: 1 })
  const p = 2n ** 61n - 1n
  const coefficients = [123456789012345678n, 987654321098765432n, 555555555555555555n, 777777777777777777n]
  const plain = () => {
    let sum = 0n
    for (let key = 0; key < count; key++) {
      let value = 0n
      for (const c of coefficients) value = (value * BigInt(key) + c) % p
      sum ^= value
    }
    return sum
  }
  const BIG = 'BigInt, mod 2^61 - 1'
  return {
    name: 'hashes, k = 4, consecutive keys',
    unit: { name: 'ns', of: 'key', count },
    cases: [
      timed(BIG, plain),
      ...hashes.map((hash) => timed(`polynomialHash mod ${hash.prime}`, () => hash.fill(0, count, out), [BIG])),
      timed('bucketHash', () => buckets.fill(0, count, out), [BIG]),
      timed('tabulationHash, 12 bits', () => tables.fill(0, count, out), [BIG]),
    ],
  }
}

/** Whole streams, the checks of their arguments included. */
function lengthGroup(): Group {
  const rows = normalMatrix(4096, 4, 3)
  const stream = (n: number, against: string[]): Case => ({
    name: `n = ${n}`,
    against,
    setup: () => ({
      measure: () => {
        const start = cpuTime()
        const repeats = Math.max(1, 10 ** 6 / n)
        for (let i = 0; i < repeats; i++) {
          const one = sketch(amsSketch({ m: 64, seed: i }), 4)
          for (let at = 0; at < n; at += 4096) {
            const count = Math.min(4096, n - at)
            one.push({ rows: count, cols: 4, data: rows.data.subarray(0, count * 4) })
          }
        }
        return ((cpuTime() - start) / (repeats * n)) * 10 ** 6 // 10⁶ rows
      },
    }),
  })
  const first = 'n = 10000'
  return {
    name: 'streams, m = 64, rows of 4, a million rows of',
    unit: { name: 'ms' },
    cases: [stream(10 ** 4, []), stream(10 ** 5, [first]), stream(10 ** 6, [first]), stream(10 ** 7, [first])],
  }
}

const peak = (n: number): Case => ({
  name: `n = ${n}`,
  setup: () => ({ measure: () => peakMemory(childScript('ams-stream'), n) }),
})

function memoryGroup(): Group {
  return {
    name: 'peak memory of a stream, m = 64, rows of 4',
    unit: { name: 'MB' },
    cases: [peak(10 ** 4), peak(10 ** 7)],
  }
}
