import { checkObject, isFloat32, isFloat64, isUint8 } from '@sublinear/core'
import type { Matrix } from '@sublinear/core'
import { type Element, type ElementData, checkBooleans, elementBytes, fromBytes, swapBytes, toBytes } from './elements'
import { NPY_PREFIX, type NpyOptions, formatNpyHeader, npyHeaderLength, parseNpyHeader } from './npy-header'

export interface NpyArray {
  readonly dtype: Element
  readonly shape: readonly number[]
  /** Entries in row-major order, whatever the order in the file; float16 and bfloat16 (bf2) are widened to float32, booleans are 0 and 1. */
  readonly data: ElementData
}

/**
 * Decodes a .npy file: floats of 2 to 8 bytes and integers of 1 to 8, of either byte order, and booleans; C or Fortran order.
 *
 * @param options.bfloat16  whether `<V2` is read as bfloat16
 * @throws RangeError, with the byte where it goes wrong, unless the header is well formed, the data fills the rest exactly and booleans are 0 or 1
 */
export function decodeNpy(bytes: Uint8Array, options: NpyOptions = {}): NpyArray {
  if (!isUint8(bytes)) throw new TypeError('npy: bytes must be a Uint8Array')
  const length = npyHeaderLength(bytes.subarray(0, NPY_PREFIX), bytes.length)
  const { element, bigEndian, fortran, shape } = parseNpyHeader(bytes.subarray(0, length), bytes.length, options)
  const raw = new Uint8Array(bytes.length - length)
  raw.set(bytes.subarray(length))
  if (bigEndian) swapBytes(raw, elementBytes[element])
  if (element === 'b1') checkBooleans(raw)
  const data = fromBytes(element, raw)
  return { dtype: element, shape, data: fortran ? rowMajor(shape, data) : data }
}

/**
 * Encodes a matrix, or an array of any shape, as a .npy file: little endian, row-major.
 *
 * @param dtype  type in the file. Default: that of the data
 * @throws RangeError when the shape does not fit the data, or a finite number would become infinite in `dtype`
 */
export function encodeNpy(
  array: Matrix | { readonly shape: readonly number[]; readonly data: Float32Array | Float64Array },
  options: { readonly dtype?: 'f2' | 'f4' | 'f8' | undefined } = {},
): Uint8Array {
  checkObject('encodeNpy', array, 'array')
  const { data } = array
  if (!(isFloat32(data) || isFloat64(data))) {
    throw new TypeError('encodeNpy: data must be a Float32Array or a Float64Array')
  }
  const shape = 'shape' in array ? array.shape : [array.rows, array.cols]
  const whole = shape.length <= 32 && shape.every((n) => Number.isSafeInteger(n) && n >= 0)
  if (!whole || shape.reduce((product, n) => product * n, 1) !== data.length) {
    throw new RangeError(`encodeNpy: shape [${shape.join(', ')}] must have the ${data.length} entries of data`)
  }
  const dtype = checkDtype('encodeNpy', options.dtype ?? (isFloat64(data) ? 'f8' : 'f4'))
  const { bytes, at } = toBytes(dtype, data)
  if (at >= 0) throw new RangeError(`encodeNpy: entry ${at} must fit ${dtype}, got ${data[at]}`)
  const header = formatNpyHeader(dtype, shape)
  const file = new Uint8Array(header.length + bytes.length)
  file.set(header)
  file.set(bytes, header.length)
  return file
}

export function checkDtype(who: string, dtype: unknown): 'f2' | 'f4' | 'f8' {
  if (dtype === 'f2' || dtype === 'f4' || dtype === 'f8') return dtype
  throw new RangeError(`${who}: dtype must be 'f2', 'f4' or 'f8', got ${JSON.stringify(dtype)}`)
}

/** Reorders an array from column-major to row-major, with any number of axes. Wide entries are moved as integers, so that no NaN changes. */
function rowMajor(shape: readonly number[], given: ElementData): ElementData {
  const ordered = given.slice()
  const width = given.BYTES_PER_ELEMENT
  const words = (of: ElementData) =>
    (width < 4 ? of : new Uint32Array(of.buffer, of.byteOffset, of.byteLength / 4)) as Uint32Array
  const [data, out] = [words(given), words(ordered)]
  const per = Math.max(1, width / 4)
  const index = shape.map(() => 0) // indices of the entry that comes next in row-major order
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, n) => product * n, 1))
  let from = 0
  for (let i = 0; i < given.length; i++) {
    for (let word = 0; word < per; word++) out[i * per + word] = data[from * per + word]
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]
      if (++index[axis] < shape[axis]) break
      from -= strides[axis] * shape[axis]
      index[axis] = 0
    }
  }
  return ordered
}
