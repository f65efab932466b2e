import { brandOf, isFloat32, isUint8 } from '@sublinear/kernels'
import { checkObject } from './check'
import { fromBfloat16, fromHalf, toBfloat16, toHalf } from './half'
import { fault, jsonReader, loneSurrogate, type JsonReader } from './header-json'
import { type Dtype, type OtherDtype, type TensorData, bitsOf, dtypes, isDecoded, typeNames } from './tensor-types'
import { isHeld, lengthOf, readPieces, type HeldTensor } from './held-tensor'
import { encodeUtf8 } from './utf8'

export interface Tensor {
  readonly dtype: Dtype
  /** Sizes of the axes, row-major; [] is a single number. */
  readonly shape: readonly number[]
  readonly data: TensorData
}
/** Where a tensor lies: bytes begin … end − 1 of the file. */
export interface TensorEntry {
  readonly dtype: Dtype | OtherDtype
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}
export interface TensorHeader {
  readonly entries: ReadonlyMap<string, TensorEntry>
  readonly metadata: Record<string, string>
}
const MOST_HEADER = 100_000_000 // the reference library's bound
const MOST_AXES = 64

/**
 * Tensors as the bytes of a .safetensors file. Equal contents give equal bytes, whatever order they are listed in.
 *
 * @throws TypeError, RangeError when a tensor's data fits neither its dtype nor its shape, or a name is no well-formed text
 */
export function encodeTensors(tensors: Record<string, Tensor>, metadata: Record<string, string> = {}): Uint8Array {
  checkObject('encodeTensors', tensors, 'tensors')
  return encodeInOrder(tensors, Object.entries(metadata))
}

export interface DecodedTensors {
  readonly tensors: Map<string, Tensor>
  readonly metadata: Record<string, string>
  /** Tensors of types that are not decoded (complex numbers, floats of 8 bits and fewer), by name. */
  readonly skipped: Map<string, TensorEntry>
}

/**
 * Decodes a .safetensors file to its tensors (fresh arrays) and its metadata.
 *
 * @throws RangeError unless everything is well formed and the tensors cover the data exactly; the message names the byte of the first fault. It is thrown
 *   before memory is allocated for any tensor
 */
export function decodeTensors(bytes: Uint8Array): DecodedTensors {
  return tensorsOf(bytes, headerOf(bytes))
}

/** The tensors of a file, its header read before. */
export function tensorsOf(bytes: Uint8Array, { entries, metadata }: TensorHeader): DecodedTensors {
  const tensors = new Map<string, Tensor>()
  const skipped = new Map<string, TensorEntry>()
  for (const [name, entry] of entries) {
    const { dtype, shape, begin, end } = entry
    if (!isDecoded(dtype)) {
      skipped.set(name, entry)
      continue
    }
    const raw = new Uint8Array(end - begin)
    raw.set(bytes.subarray(begin, end))
    if (dtype === 'BOOL') checkBooleans(raw, begin)
    tensors.set(name, { dtype, shape, data: fromRaw(dtype, raw.buffer) })
  }
  return { tensors, metadata, skipped }
}

/**
 * The length of the JSON header, read from the first 8 bytes of a file of `fileSize` bytes; the header follows these 8.
 *
 * @throws RangeError when the header would end behind the file, or has more than 100 MB
 */
export function headerLength(prefix: Uint8Array, fileSize: number): number {
  if (fileSize < 10) throw fault('file', fileSize, 'at least 10 bytes', `${fileSize}`)
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength)
  const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true)
  const most = Math.min(MOST_HEADER, fileSize - 8)
  if (length < 2 || length > most) throw fault('header length', 0, `2 to ${most}`, `${length}`)
  return length
}

/**
 * The entries of a header (the bytes after the first 8), with offsets from the start of the file: enough to read single tensors.
 *
 * @throws RangeError unless the entries cover a file of `fileSize` bytes without holes and overlaps
 */
export function parseHeader(header: Uint8Array, fileSize: number): TensorHeader {
  const base = 8 + header.length
  const entries = new Map<string, TensorEntry>()
  const placed: { at: number; begin: number; end: number }[] = []
  let metadata: Record<string, string> | undefined
  const reader = jsonReader(header)
  reader.object('header', (name, at) => {
    if (name !== '__metadata__') {
      const entry = parseEntry(reader, at, base)
      entries.set(name, entry)
      placed.push({ at, begin: entry.begin, end: entry.end })
      return
    }
    const strings: Record<string, string> = Object.create(null)
    reader.object('metadata', (key) => (strings[key] = reader.string('metadata value')))
    metadata = strings
  })
  reader.end()
  placed.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let next = base
  for (const { at, begin, end } of placed) {
    if (begin !== next) throw fault('data_offsets', at, `begin ${next - base} (no hole, no overlap)`, `${begin - base}`)
    next = end
  }
  if (next !== fileSize)
    throw fault('data', next, `the end of the file, as its header says`, `a file of ${fileSize} bytes`)
  return { entries, metadata: metadata ?? Object.create(null) }
}

/** Encodes tensors, with metadata in the given order. */
export function encodeInOrder(tensors: Record<string, Tensor | HeldTensor>, metadata: [string, string][]): Uint8Array {
  for (const [key, value] of metadata) {
    checkText('metadata key', key)
    checkText(`metadata ${key}`, value)
  }
  // Wide elements first: every tensor is then aligned, since the data begins at a multiple of 8.
  const parts = Object.entries(tensors).map(([name, tensor]) => checkTensor(name, tensor))
  parts.sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1))
  const members = parts.map(() => '')
  let size = 0
  for (const [i, { name, dtype, shape, length }] of parts.entries()) {
    members[i] = `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [size, size + length] })}`
    size += length
  }
  if (metadata.length > 0) {
    const pairs = metadata.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
    members.unshift(`"__metadata__":{${pairs.join()}}`)
  }
  const json = encodeUtf8(`{${members.join()}}`)
  const length = Math.ceil(json.length / 8) * 8
  if (length > MOST_HEADER)
    throw new RangeError(`safetensors: the header must have at most 100 MB, got ${length} bytes`)
  const bytes = new Uint8Array(8 + length + size).fill(0x20, 8, 8 + length)
  new DataView(bytes.buffer).setUint32(0, length, true)
  bytes.set(json, 8)
  let at = 8 + length
  for (const { length, write } of parts) {
    write(bytes, at)
    at += length
  }
  return bytes
}

function checkTensor(name: string, tensor: Tensor | HeldTensor) {
  const { dtype, shape } = tensor
  checkText('tensor name', name)
  if (name === '__metadata__') throw new RangeError('safetensors: no tensor can be called __metadata__')
  if (!isDecoded(dtype)) throw new RangeError(`safetensors: ${name} has the unknown dtype ${String(dtype)}`)
  const { bytes, array } = dtypes[dtype]
  if (!isHeld(tensor) && brandOf(tensor.data) !== array.name)
    throw new TypeError(`safetensors: ${name} must be a ${array.name} to be ${dtype}`)
  const whole = shape.length <= MOST_AXES && shape.every((n) => Number.isSafeInteger(n) && n >= 0)
  const count = shape.reduce((product, n) => product * n, 1)
  const entries = isHeld(tensor) ? lengthOf(tensor) : tensor.data.length
  if (!whole || count !== entries) {
    throw new RangeError(
      `safetensors: ${name} has ${entries} entries, which its shape [${shape.join(', ')}] does not say`,
    )
  }
  const named = { name, dtype, shape, bytes, length: bytes * entries }
  if (isHeld(tensor)) {
    const write = (out: Uint8Array, at: number) => readPieces(tensor, new array(out.buffer as ArrayBuffer, at, entries))
    return { ...named, write }
  }
  const raw = toRaw(dtype, tensor.data)
  return { ...named, length: raw.length, write: (out: Uint8Array, at: number) => out.set(raw, at) }
}

function checkText(what: string, value: unknown): void {
  if (typeof value !== 'string') throw new TypeError(`safetensors: ${what} must be a string, got ${typeof value}`)
  if (loneSurrogate.test(value)) throw new RangeError(`safetensors: ${what} must be well-formed Unicode`)
}

/** The checked header of a whole file. */
export function headerOf(bytes: Uint8Array): TensorHeader {
  if (!isUint8(bytes)) throw new TypeError('safetensors: bytes must be a Uint8Array')
  return parseHeader(bytes.subarray(8, 8 + headerLength(bytes, bytes.length)), bytes.length)
}

function parseEntry(reader: JsonReader, at: number, base: number): TensorEntry {
  let dtype: string | undefined
  let shape: number[] | undefined
  let offsets: number[] | undefined
  reader.object('tensor', (key) => {
    if (key === 'dtype') dtype = reader.string('dtype')
    else if (key === 'shape') shape = reader.list('shape', MOST_AXES)
    else if (key === 'data_offsets') offsets = reader.list('data_offsets', 2)
    else throw fault('tensor', at, 'only dtype, shape and data_offsets', JSON.stringify(key))
  })
  if (dtype === undefined || shape === undefined || offsets?.length !== 2) {
    throw fault('tensor', at, 'dtype, shape and two data_offsets', 'less')
  }
  const bits = bitsOf(dtype)
  if (bits === undefined) throw fault('dtype', at, typeNames(), JSON.stringify(dtype))
  const extent = shape.reduce((product, n) => (n === 0 ? product : Math.min(product * n, 2 ** 53)), 1)
  if (extent === 2 ** 53) throw fault('shape', at, 'axes with a product below 2^53', `[${shape.join(', ')}]`) // a zero makes the product 0, as in the reference library
  const size = shape.includes(0) ? 0 : (extent * bits) / 8 // a fraction of a byte is refused with all other wrong sizes
  const [begin, end] = offsets as [number, number]
  if (size !== end - begin)
    throw fault('data_offsets', at, `${size} bytes for ${dtype} [${shape.join(', ')}]`, `${end - begin}`)
  return { dtype: dtype as TensorEntry['dtype'], shape, begin: base + begin, end: base + end }
}

function checkBooleans(raw: Uint8Array, begin: number): void {
  const wrong = raw.findIndex((byte) => byte > 1)
  if (wrong >= 0) throw fault('BOOL', begin + wrong, '0 or 1', `${raw[wrong]}`)
}

function toRaw(dtype: Dtype, data: TensorData): Uint8Array {
  if (isFloat32(data) && dtype === 'F16') return bytesOf(toHalf(data))
  if (isFloat32(data) && dtype === 'BF16') return bytesOf(toBfloat16(data))
  return bytesOf(data)
}

function fromRaw(dtype: Dtype, raw: ArrayBuffer): TensorData {
  if (dtype === 'F16') return fromHalf(new Uint16Array(raw))
  if (dtype === 'BF16') return fromBfloat16(new Uint16Array(raw))
  return new dtypes[dtype].array(raw)
}

const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
