import { checkSeed, type Seed, type SparseRecovery, type SparseVector } from '@sublinear/core'
import { largestOf, type Entries } from './largest'
import { measurements, type Measurements } from './measurements'
import type { RecoverySize } from './recovery-rows'

export interface RecoveryOptions extends RecoverySize {
  readonly seed: Seed
}

export interface TreeRecovery extends SparseRecovery {
  readonly epsilon: number
  /** m would have been n/4 or more, so Φ is the identity and both decoders are exact. */
  readonly dominated: boolean
}

export function sparseRecovery(options: RecoveryOptions): TreeRecovery {
  const who = 'sparseRecovery'
  return recoveryFrom(who, options, measurements(who, options, checkSeed(who, options.seed)))
}

export function recoveryFrom(who: string, { n, k, epsilon }: RecoverySize, read: Measurements): TreeRecovery {
  const { matrix, dominated } = read
  const decode = (measured: Float32Array | Float64Array, count: number) =>
    sparseVector(n, largestOf(read.read(checkMeasured(who, measured, matrix.m)), count))
  return {
    n,
    k,
    epsilon,
    m: matrix.m,
    matrix,
    dominated,
    decode: (measured) => decode(measured, k),
    decodeWide: (measured) => decode(measured, 2 * k),
  }
}

/** The measurements as float64, a copy. */
function checkMeasured(who: string, measured: Float32Array | Float64Array, m: number): Float64Array {
  if (!(measured instanceof Float32Array || measured instanceof Float64Array)) {
    throw new TypeError(`${who}: measured must be a Float32Array or Float64Array`)
  }
  if (measured.length !== m) throw new RangeError(`${who}: measured must have ${m} entries, got ${measured.length}`)
  const at = measured.findIndex((x) => !Number.isFinite(x))
  if (at >= 0) throw new RangeError(`${who}: measured must be finite, got ${measured[at]} at row ${at}`)
  return Float64Array.from(measured)
}

function sparseVector(length: number, { keys, values }: Entries): SparseVector {
  return { length, indices: keys, values }
}
