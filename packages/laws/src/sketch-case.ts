import type { Seed, SketchMatrix, Given } from '@sublinear/core'

export interface SketchMatrixLaws {
  /** Begins the name of every law. */
  readonly name: string
  /** Makes Ψ of m rows from a seed; all other options are always the same. */
  readonly make: (shape: { m: number; seed: Seed }) => SketchMatrix
  /** Numbers of rows to try. Default 1, 5, 48. */
  readonly rows?: readonly number[] | undefined
  /** Columns that Ψ has. Default 2^53 − 1. */
  readonly columns?: number | undefined
  /** Matrices with which no sketch of `make` merges, whatever their m and seed: other kinds and options. */
  readonly differs?: readonly ((shape: { m: number; seed: Seed }) => SketchMatrix)[] | undefined
  /** Rounding of one product, relative to the sum of its terms' sizes. Default 1e-5. */
  readonly tolerance?: number | undefined
  /** Digest of the bytes of 100 columns of Ψ for a seed, which a release fixes; see `goldenColumns`. */
  readonly golden?:
    | {
        readonly m: number
        readonly seed: Seed
        readonly digest: (bytes: Uint8Array) => string
        readonly expected: string
      }
    | undefined
}

/** Options of the laws with all defaults filled in. */
export type SketchCase = Given<Omit<SketchMatrixLaws, 'golden' | 'name'>> & Pick<SketchMatrixLaws, 'golden'>
