export interface MutantsResult {
  readonly format: string
  readonly mutants: number
  /** By both, with the same contents. */
  readonly accepted: number
  readonly refusedByBoth: number
  /** And why, with how many. */
  readonly refusedHereAlone: number
  readonly reasons: Readonly<Record<string, number>>
  /** Accepted here and refused there, or with other contents. */
  readonly disagreements: number
  readonly examples: readonly unknown[]
}

/** Compares the library (the exports of @sublinear/io and @sublinear/core) with read_files.py on `count` damaged files. */
export function compareMutants(
  library: object,
  format: 'npy' | 'npz' | 'safetensors',
  count: number,
  seed: number,
  python?: string,
): Promise<MutantsResult>
