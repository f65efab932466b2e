import { sparseSketchMatrix, type SketchMatrix } from '@sublinear/core'
import { polynomialHash } from '@sublinear/hash-families'
import { sketchKernels } from '@sublinear/kernels'

/** Entries that are listed at once, for a reader that goes on where it stopped: for 64 columns alone, most of the cost is the start. */
const AHEAD = 8192

/** The first polynomial of the seed that is used here. */
const STREAM = 0x73700000

/**
 * Makes columns with one nonzero ±1/√nonzeros in each of `nonzeros` blocks of m/nonzeros rows. Block e has a cubic h_e mod p = 2⁶¹ − 1 of
 * its own: t = ⌊h_e(j)·2(m/nonzeros)/2⁶¹⌋ gives column j its row ⌊t/2⌋ of the block, and a minus where t is odd. So places and
 * signs together are 4-wise independent, independent between blocks, and uniform up to a relative bias of 2·2(m/nonzeros)/p.
 *
 * A cubic at consecutive keys follows from its first four values by three additions a key.
 */
export function hashedColumns(kind: string, m: number, nonzeros: number, seed: bigint): SketchMatrix {
  const hashes = Array.from({ length: nonzeros }, (_, e) =>
    polynomialHash({ independence: 4, seed, prime: '2^61-1', stream: STREAM + e }),
  )
  const values = new Uint32Array(8 * nonzeros)
  const ahead = { first: 0, count: 0, rows: new Uint32Array(0), factors: new Float32Array(0) }
  let next = -1
  const height = m / nonzeros
  const unit = 1 / Math.sqrt(nonzeros)
  const reach = Math.min(1024, Math.floor(AHEAD / nonzeros))
  const list = (first: number, count: number, rows: Uint32Array, factors: Float32Array) => {
    const from = Math.min(first, 2 ** 53 - 4) // four keys that exist
    for (const [e, hash] of hashes.entries()) hash.fill(from, 4, values.subarray(8 * e))
    sketchKernels().cubicEntries(rows, factors, values, first - from, count, nonzeros, height, unit)
  }
  return sparseSketchMatrix({
    kind,
    m,
    seed,
    bytes: hashes.reduce((sum, { bytes }) => sum + bytes, 0),
    nonzeros,
    innerVariance: 2 / m,
    entries(first, count, rows, factors) {
      const goesOn = first === next
      next = first + count
      if (!(first >= ahead.first && next <= ahead.first + ahead.count)) {
        const columns = Math.min(reach, 2 ** 53 - first)
        if (!goesOn || count >= columns) return list(first, count, rows, factors)
        if (ahead.factors.length === 0) {
          ahead.rows = new Uint32Array(reach * nonzeros)
          ahead.factors = new Float32Array(reach * nonzeros)
        }
        list(first, columns, ahead.rows, ahead.factors)
        ahead.first = first
        ahead.count = columns
      }
      const [from, to] = [(first - ahead.first) * nonzeros, (next - ahead.first) * nonzeros]
      rows.set(ahead.rows.subarray(from, to))
      factors.set(ahead.factors.subarray(from, to))
    },
  })
}
