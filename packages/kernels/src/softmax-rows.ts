import { isFloat32, isFloat64 } from './brand'
import type { AttentionBlock } from './attention-kernels'
import type { Doubles, Floats } from './kernels'

/** Partial softmaxes of some rows: as the kernels continue them. */
export interface SoftmaxRows {
  readonly max: Float32Array // rows
  readonly mass: Float64Array // rows
  readonly sum: Float32Array // rows × dv
}

type Given = Pick<AttentionBlock, 'max' | 'mass' | 'sum'>

/** The rows' softmaxes in ordinary arrays: their own, or copies of resident ones. */
export function softmaxOf({ max, mass, sum }: Given): SoftmaxRows {
  return { max: ordinary(max), mass: isFloat64(mass) ? mass : mass.read(), sum: ordinary(sum) }
}

/** Writes what `softmaxOf` gave to the resident arrays that it copied. */
export function putSoftmax({ max, mass, sum }: Given, of: SoftmaxRows): void {
  if (!isFloat32(max)) max.write(of.max)
  if (!isFloat32(sum)) sum.write(of.sum)
  if (!isFloat64(mass)) (mass satisfies Doubles).write(of.mass)
}

/** The numbers of an array of either kind: itself, or a copy. */
export function ordinary(of: Floats): Float32Array {
  return isFloat32(of) ? of : of.read()
}
