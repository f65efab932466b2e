import type { DataPlace, OnnxTensor } from './graph'
import { checkLocation, type ModelFiles } from './model-files'
import { fields, textAt, varint, type Field, type Pages } from './wire'

/** Bytes of an entry by element type, from type 0 on; 4-bit types take half a byte. 0: not of fixed size. */
const WIDTHS: readonly number[] = [0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8, 8, 16, 2, 1, 1, 1, 1, 0.5, 0.5, 0.5, 1]

/** Reads a TensorProto: name, type, dimensions, and the place of its values. */
export function readTensor(pages: Pages, file: string, { from, to }: Pick<Field, 'from' | 'to'>): OnnxTensor {
  let name = ''
  let type = 0
  const dims: number[] = []
  const numbers: number[] = []
  let raw: DataPlace | undefined
  const external = new Map<string, string>()
  let location = 0
  for (const field of fields(pages, from, to)) {
    if (field.number === 1) dims.push(...(field.wire === 0 ? [field.value] : packed(pages, field)))
    else if (field.number === 2) type = field.value
    else if (field.number === 8) name = textAt(pages, field)
    else if (field.number === 9) raw = { file, from: field.from, to: field.to }
    else if (field.number === 13) {
      const entry = ['', '']
      for (const part of fields(pages, field.from, field.to))
        if (part.number <= 2) entry[part.number - 1] = textAt(pages, part)
      external.set(entry[0], entry[1])
    } else if (field.number === 14) location = field.value
    else if (field.number === 5 || field.number === 7)
      // int32_data (also used for smaller types) and int64_data
      numbers.push(...(field.wire === 0 ? [field.value] : packedSome(pages, field)))
    else if (field.number === 4) numbers.push(...floats(pages, field))
  }
  const own = { name, dims, type, from, to }
  if (location === 1)
    return { ...own, isExternal: true, place: externalPlace(name, external), bytes: pages.bytes(from, to) }
  if (raw) return { ...own, isExternal: false, place: raw }
  return { ...own, isExternal: false, ...(numbers.length > 0 && { numbers }) }
}

/** Most entries of a tensor whose numbers are read from the message. */
const MOST_NUMBERS = 65_536

function* packed(pages: Pages, { from, to }: Field): Generator<number> {
  for (let at = from; at < to;) {
    const { value, end } = varint(pages, at, to)
    yield value
    at = end
  }
}

function packedSome(pages: Pages, field: Field): Iterable<number> {
  return field.to - field.from > MOST_NUMBERS ? [] : packed(pages, field)
}

function floats(pages: Pages, { from, to }: Field): Iterable<number> {
  if (to - from > 4 * MOST_NUMBERS) return []
  const bytes = pages.bytes(from, to)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => view.getFloat32(4 * i, true))
}

/** The place to which a tensor's external_data points; with a length of −1, the length follows from the dimensions. */
function externalPlace(name: string, entries: ReadonlyMap<string, string>): DataPlace {
  const file = entries.get('location') ?? ''
  checkLocation('onnx', file)
  const numberOf = (key: string, otherwise: number) => {
    const text = entries.get(key)
    if (text === undefined) return otherwise
    if (!/^\d{1,15}$/.test(text)) throw new RangeError(`onnx: ${key} of ${name} must be a number, got ${text}`)
    return Number(text)
  }
  const from = numberOf('offset', 0)
  return { file, from, to: from + numberOf('length', NaN) }
}

/**
 * Refuses tensors whose data are missing or not as long as their dimensions say. No data are read.
 *
 * @param sizeOf  size of a file; undefined where there is none
 */
export function checkTensorData(sizeOf: ModelFiles['size'], { name, dims, type, place }: OnnxTensor): void {
  for (const size of dims)
    if (!(Number.isInteger(size) && size >= 0))
      throw new RangeError(`onnx: a size of ${name} must be >= 0, got ${size}`)
  if (!place) return
  const size = sizeOf(place.file)
  if (size === undefined) throw new RangeError(`onnx: ${name} lies in the file ${place.file}, which is missing`)
  const width = WIDTHS[type] || undefined
  const wanted = width === undefined ? NaN : Math.ceil(width * dims.reduce((product, n) => product * n, 1))
  const length = Number.isNaN(place.to) ? wanted : place.to - place.from
  if (!Number.isNaN(wanted) && length !== wanted)
    throw new RangeError(`onnx: ${name} must have ${wanted} bytes for [${dims.join(', ')}], got ${length}`)
  if (place.from + length > size)
    throw new RangeError(
      `onnx: ${name} lies in bytes ${place.from} to ${place.from + length - 1} of ${place.file}, which has ${size}: the file is cut`,
    )
}
