import { sparseSketchMatrix, type SketchMatrix } from '@sublinear/core'
import { polynomialHash } from '@sublinear/hash-families'
import { kernels } from '@sublinear/kernels'

/** The first of the seed's polynomials that are used here. */
const STREAM = 0x73700000

/**
 * Columns of one nonzero ±1/√nonzeros in each of `nonzeros` blocks of m/nonzeros rows. Block e has a cubic h_e mod p = 2⁶¹ − 1 of
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
  const height = m / nonzeros
  const unit = 1 / Math.sqrt(nonzeros)
  return sparseSketchMatrix({
    kind,
    m,
    seed,
    bytes: hashes.reduce((sum, { bytes }) => sum + bytes, 0),
    nonzeros,
    entries(first, count, rows, factors) {
      const from = Math.min(first, 2 ** 53 - 4) // four keys that exist
      for (const [e, hash] of hashes.entries()) hash.fill(from, 4, values.subarray(8 * e))
      kernels().cubicEntries(rows, factors, values, first - from, count, nonzeros, height, unit)
    },
  })
}
