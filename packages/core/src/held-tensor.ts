import type { Resident } from '@sublinear/kernels'
import type { Tensor } from './safetensors'
import type { TensorData } from './tensor-types'

type Pieces = readonly (Resident<Float32Array> | Resident<Float64Array> | Resident<Uint8Array>)[]

/**
 * A tensor that stays in the kernels' memory, as pieces one after the other; valid until its owner next changes. So a snapshot costs one copy into its
 * bytes, and a fork one copy into the memory of the other stream.
 */
export interface HeldTensor {
  readonly dtype: 'F32' | 'F64' | 'U8'
  readonly shape: readonly number[]
  readonly data: Pieces
}

const arrays = { F32: Float32Array, F64: Float64Array, U8: Uint8Array } as const

export function isHeld(tensor: Tensor | HeldTensor): tensor is HeldTensor {
  return Array.isArray(tensor.data)
}

/** The number of entries of a tensor. */
export function lengthOf({ data }: HeldTensor): number {
  return data.reduce((total, { length }) => total + length, 0)
}

/** Copies the pieces into an array of their type and length. */
export function readPieces({ data }: HeldTensor, out: TensorData): void {
  let at = 0
  for (const piece of data as readonly Resident<Float32Array>[]) {
    piece.readInto((out as Float32Array).subarray(at, at + piece.length))
    at += piece.length
  }
}

/** The entries of a tensor in an ordinary array; for a held tensor, in a fresh one. */
export function dataOf(tensor: Tensor | HeldTensor): TensorData {
  if (!isHeld(tensor)) return tensor.data
  const out = new arrays[tensor.dtype](lengthOf(tensor))
  readPieces(tensor, out)
  return out
}

/** The pieces of a float32 tensor that lies in the kernels' memory. */
export function piecesOf(tensor: Tensor | HeldTensor | undefined): readonly Resident<Float32Array>[] | undefined {
  return tensor && isHeld(tensor) && tensor.dtype === 'F32'
    ? (tensor.data as readonly Resident<Float32Array>[])
    : undefined
}
