/**
 * Types that are decoded, by dtype: bytes of an element, and its array. F16 and BF16 are widened to float32 exactly, and rounded to nearest even when
 * written; BOOL is 0 and 1.
 */
export const dtypes = {
  F64: { bytes: 8, array: Float64Array },
  // made at first use, since an engine may lack the array
  I64: {
    bytes: 8,
    get array() {
      return BigInt64Array
    },
  },
  U64: {
    bytes: 8,
    get array() {
      return BigUint64Array
    },
  },
  F32: { bytes: 4, array: Float32Array },
  I32: { bytes: 4, array: Int32Array },
  U32: { bytes: 4, array: Uint32Array },
  F16: { bytes: 2, array: Float32Array },
  BF16: { bytes: 2, array: Float32Array },
  I16: { bytes: 2, array: Int16Array },
  U16: { bytes: 2, array: Uint16Array },
  I8: { bytes: 1, array: Int8Array },
  U8: { bytes: 1, array: Uint8Array },
  BOOL: { bytes: 1, array: Uint8Array },
} as const
export type Dtype = keyof typeof dtypes
export type TensorData =
  | (Float64Array | Float32Array)
  | (BigInt64Array | Int32Array | Int16Array | Int8Array)
  | (BigUint64Array | Uint32Array | Uint16Array | Uint8Array)

/** Types of the format that are not decoded, with their bits: tensors of these types are skipped. */
const others = {
  C64: 64,
  F8_E4M3: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2: 8,
  F8_E5M2FNUZ: 8,
  F8_E8M0: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
} as const
export type OtherDtype = keyof typeof others

/** Bits of one element; undefined where the format has no such type. */
export function bitsOf(dtype: string): number | undefined {
  if (isDecoded(dtype)) return 8 * dtypes[dtype].bytes
  return Object.hasOwn(others, dtype) ? others[dtype as OtherDtype] : undefined
}

/** Tells whether tensors of a type are decoded. */
export function isDecoded(dtype: string): dtype is Dtype {
  return Object.hasOwn(dtypes, dtype)
}

/** The names of all types of the format, for an error message. */
export function typeNames(): string {
  return Object.keys({ ...dtypes, ...others }).join(', ')
}
