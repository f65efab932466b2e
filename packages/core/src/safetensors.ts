import { crc32 } from './crc32'

/** dtype → bytes an element and its array. F16 and BF16 are widened exactly to float32, and rounded to nearest even when written. */
const dtypes = {
  F64: { bytes: 8, array: Float64Array },
  I64: { bytes: 8, array: BigInt64Array },
  U64: { bytes: 8, array: BigUint64Array },
  F32: { bytes: 4, array: Float32Array },
  I32: { bytes: 4, array: Int32Array },
  U32: { bytes: 4, array: Uint32Array },
  F16: { bytes: 2, array: Float32Array },
  BF16: { bytes: 2, array: Float32Array },
  I16: { bytes: 2, array: Int16Array },
  U16: { bytes: 2, array: Uint16Array },
  I8: { bytes: 1, array: Int8Array },
  U8: { bytes: 1, array: Uint8Array },
} as const
export type Dtype = keyof typeof dtypes
export type TensorData =
  | (Float64Array | Float32Array)
  | (BigInt64Array | Int32Array | Int16Array | Int8Array)
  | (BigUint64Array | Uint32Array | Uint16Array | Uint8Array)

export interface Tensor {
  readonly dtype: Dtype
  /** Row-major; [] is one number. */
  readonly shape: readonly number[]
  readonly data: TensorData
}
/** Where a tensor lies: bytes begin … end − 1 of the file. */
export interface TensorEntry {
  readonly dtype: Dtype
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}
export interface TensorHeader {
  readonly entries: ReadonlyMap<string, TensorEntry>
  readonly metadata: Record<string, string>
}
export interface Snapshot {
  readonly kind: string
  readonly version: string
  readonly parameters: Record<string, string>
  readonly tensors: Map<string, Tensor>
}

const MOST_HEADER = 100_000_000 // the reference library's bound
const MOST_AXES = 64

/**
 * Tensors as the bytes of a .safetensors file. Equal contents give equal bytes, whatever order they are listed in.
 *
 * @throws TypeError, RangeError when a tensor's data fits neither its dtype nor its shape, or a name is no well-formed text
 */
export function encodeTensors(tensors: Record<string, Tensor>, metadata: Record<string, string> = {}): Uint8Array {
  return encode(tensors, Object.entries(metadata))
}

/**
 * The tensors (fresh arrays) and the metadata of a .safetensors file.
 *
 * @throws RangeError, with the byte where it goes wrong, unless the tensors cover the data exactly and everything is well formed;
 * it comes before anything is allocated for a tensor
 */
export function decodeTensors(bytes: Uint8Array): { tensors: Map<string, Tensor>; metadata: Record<string, string> } {
  const { entries, metadata } = headerOf(bytes)
  const tensors = new Map<string, Tensor>()
  for (const [name, { dtype, shape, begin, end }] of entries) {
    const raw = new Uint8Array(end - begin)
    raw.set(bytes.subarray(begin, end))
    tensors.set(name, { dtype, shape, data: fromRaw(dtype, raw.buffer) })
  }
  return { tensors, metadata }
}

/**
 * Length of the JSON header, from the first 8 bytes of a file of `fileSize` bytes; the header follows them.
 *
 * @throws RangeError when it is beyond the file or 100 MB
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
 * The entries of a header (the bytes after the first 8), with absolute offsets: enough to read single tensors from a file.
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

/**
 * A state as .safetensors bytes: kind, version and parameters as metadata, sealed by a CRC-32 over every other byte.
 *
 * @throws TypeError, RangeError as encodeTensors, or when a parameter is called kind, version or crc32
 */
export function encodeSnapshot(snapshot: Omit<Snapshot, 'tensors'> & { tensors: Record<string, Tensor> }): Uint8Array {
  const { kind, version, parameters, tensors } = snapshot
  for (const name of ['crc32', 'kind', 'version']) {
    if (Object.hasOwn(parameters, name)) throw new RangeError(`encodeSnapshot: no parameter can be called ${name}`)
  }
  const named = Object.entries(parameters)
  const bytes = encode(tensors, [['crc32', ZEROS], ['kind', kind], ['version', version], ...named])
  bytes.set(ascii(hex(crc32(bytes))), SEAL)
  return bytes
}

/**
 * Guarantee: bytes that differ from a snapshot in one byte, or in up to 32 neighbouring bits, are refused.
 *
 * @throws RangeError when the bytes are damaged or no snapshot, or of another kind than `expectedKind`
 */
export function decodeSnapshot(bytes: Uint8Array, expectedKind?: string): Snapshot {
  headerOf(bytes) // so that a cut file is called cut
  const opening = latin1(bytes.subarray(8, SEAL))
  if (opening !== OPENING) throw fault('snapshot', 8, OPENING, JSON.stringify(opening))
  const found = latin1(bytes.subarray(SEAL, SEAL + 8))
  const rest = crc32(bytes.subarray(SEAL + 8), crc32(ascii(ZEROS), crc32(bytes.subarray(0, SEAL))))
  if (found !== hex(rest)) throw fault('crc32', SEAL, `${hex(rest)} for these bytes (damaged?)`, JSON.stringify(found))
  const { tensors, metadata } = decodeTensors(bytes)
  const { crc32: _, kind, version, ...parameters } = metadata
  if (kind === undefined || version === undefined) throw fault('snapshot', 8, 'kind and version', 'neither or one')
  if (expectedKind !== undefined && kind !== expectedKind) {
    throw fault('kind', 8, JSON.stringify(expectedKind), JSON.stringify(kind))
  }
  return { kind, version, parameters, tensors }
}

const OPENING = '{"__metadata__":{"crc32":"'
const SEAL = 8 + OPENING.length // where the eight digits of the CRC lie
const ZEROS = '00000000'

function encode(tensors: Record<string, Tensor>, metadata: [string, string][]): Uint8Array {
  for (const [key, value] of metadata) {
    checkText('metadata key', key)
    checkText(`metadata ${key}`, value)
  }
  // Wide elements first: every tensor is then aligned, since the data begins at a multiple of 8.
  const parts = Object.entries(tensors).map(([name, tensor]) => checkTensor(name, tensor))
  parts.sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1))
  const members = parts.map(() => '')
  let size = 0
  for (const [i, { name, dtype, shape, raw }] of parts.entries()) {
    members[i] = `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [size, size + raw.length] })}`
    size += raw.length
  }
  if (metadata.length > 0) {
    const pairs = metadata.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
    members.unshift(`"__metadata__":{${pairs.join()}}`)
  }
  const json = new TextEncoder().encode(`{${members.join()}}`)
  const length = Math.ceil(json.length / 8) * 8
  if (length > MOST_HEADER)
    throw new RangeError(`safetensors: the header must have at most 100 MB, got ${length} bytes`)
  const bytes = new Uint8Array(8 + length + size).fill(0x20, 8, 8 + length)
  new DataView(bytes.buffer).setUint32(0, length, true)
  bytes.set(json, 8)
  let at = 8 + length
  for (const { raw } of parts) {
    bytes.set(raw, at)
    at += raw.length
  }
  return bytes
}

function checkTensor(name: string, { dtype, shape, data }: Tensor) {
  checkText('tensor name', name)
  if (name === '__metadata__') throw new RangeError('safetensors: no tensor can be called __metadata__')
  if (!Object.hasOwn(dtypes, dtype)) throw new RangeError(`safetensors: ${name} has the unknown dtype ${String(dtype)}`)
  const { bytes, array } = dtypes[dtype]
  if (!(data instanceof array)) throw new TypeError(`safetensors: ${name} must be a ${array.name} to be ${dtype}`)
  const whole = shape.length <= MOST_AXES && shape.every((n) => Number.isSafeInteger(n) && n >= 0)
  const count = shape.reduce((product, n) => product * n, 1)
  if (!whole || count !== data.length) {
    throw new RangeError(
      `safetensors: ${name} has ${data.length} entries, which its shape [${shape.join(', ')}] does not say`,
    )
  }
  return { name, dtype, shape, bytes, raw: toRaw(dtype, data) }
}

function checkText(what: string, value: unknown): void {
  if (typeof value !== 'string') throw new TypeError(`safetensors: ${what} must be a string, got ${typeof value}`)
  if (loneSurrogate.test(value)) throw new RangeError(`safetensors: ${what} must be well-formed Unicode`)
}

const loneSurrogate = /\p{Surrogate}/u

function headerOf(bytes: Uint8Array): TensorHeader {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('safetensors: bytes must be a Uint8Array')
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
  if (!Object.hasOwn(dtypes, dtype)) throw fault('dtype', at, Object.keys(dtypes).join(', '), JSON.stringify(dtype))
  const known = dtype as Dtype
  const size = shape.reduce((product, n) => Math.min(product * n, 2 ** 53), dtypes[known].bytes)
  const [begin, end] = offsets as [number, number]
  if (size !== end - begin)
    throw fault('data_offsets', at, `${size} bytes for ${dtype} [${shape.join(', ')}]`, `${end - begin}`)
  return { dtype: known, shape, begin: base + begin, end: base + end }
}

type JsonReader = ReturnType<typeof jsonReader>

/** The JSON that a header may hold: objects, strings, lists of whole numbers. No recursion, so no depth to bound. */
function jsonReader(bytes: Uint8Array) {
  let at = 0
  const wrong = (what: string, expected: string) => {
    const found = at >= bytes.length ? 'the end of the header' : JSON.stringify(String.fromCharCode(bytes[at]!))
    return fault(what, 8 + at, expected, found)
  }
  const skip = () => {
    while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++
  }
  /** One of two characters, with white space after it; says whether it was the first. */
  const take = (what: string, first: string, second = first) => {
    const is = bytes[at] === first.charCodeAt(0)
    if (!is && bytes[at] !== second.charCodeAt(0)) throw wrong(what, first === second ? first : `${first} or ${second}`)
    at++
    skip()
    return is
  }
  const string = (what: string): string => {
    const begin = at
    if (bytes[at] !== 0x22) throw wrong(what, 'a string')
    for (at++; bytes[at] !== 0x22; at++) {
      if (bytes[at] === 0x5c) at++
      if (!(bytes[at]! >= 0x20)) throw wrong(what, 'the rest of a string')
    }
    at++
    const value = readString(bytes.subarray(begin, at))
    if (value === undefined) throw fault(what, 8 + begin, 'a JSON string in well-formed UTF-8', 'something else')
    skip()
    return value
  }
  const integer = (what: string): number => {
    const begin = at
    while (bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++
    const digits = latin1(bytes.subarray(begin, Math.min(at, begin + 17)))
    if (digits === '') throw wrong(what, 'a whole number')
    if ((digits.length > 1 && digits.startsWith('0')) || !Number.isSafeInteger(Number(digits))) {
      throw fault(what, 8 + begin, 'a whole number up to 2^53 - 1', digits)
    }
    skip()
    return Number(digits)
  }
  return {
    string,
    /** Calls `member` for every name, once its value begins; names must differ. */
    object(what: string, member: (name: string, at: number) => void) {
      const seen = new Set<string>()
      take(what, '{')
      if (bytes[at] === 0x7d) return void take(what, '}')
      do {
        const begin = 8 + at
        const name = string(`${what} name`)
        if (seen.has(name)) throw fault(`${what} name`, begin, 'each name once', `${JSON.stringify(name)} again`)
        seen.add(name)
        take(what, ':')
        member(name, begin)
      } while (take(what, ',', '}'))
    },
    list(what: string, most: number): number[] {
      const list: number[] = []
      take(what, '[')
      if (bytes[at] === 0x5d) return (void take(what, ']'), list)
      do {
        if (list.length === most) throw wrong(what, `at most ${most} numbers`)
        list.push(integer(what))
      } while (take(what, ',', ']'))
      return list
    },
    end() {
      if (at < bytes.length) throw wrong('header', 'nothing but spaces after it')
    },
  }
}

const utf8 = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of a quoted JSON string, or undefined when it is malformed. */
function readString(quoted: Uint8Array): string | undefined {
  try {
    const value: string = JSON.parse(utf8.decode(quoted))
    return loneSurrogate.test(value) ? undefined : value
  } catch {
    return undefined
  }
}

function fault(what: string, at: number, expected: string, found: string): RangeError {
  return new RangeError(`safetensors: ${what} at byte ${at}: expected ${expected}, found ${found}`)
}

const hex = (crc: number) => crc.toString(16).padStart(8, '0')
const ascii = (digits: string) => Uint8Array.from(digits, (c) => c.charCodeAt(0))
const latin1 = (bytes: Uint8Array) => String.fromCharCode(...bytes)

function toRaw(dtype: Dtype, data: TensorData): Uint8Array {
  if (data instanceof Float32Array && dtype === 'F16') return bytesOf(toHalf(data))
  if (data instanceof Float32Array && dtype === 'BF16') return bytesOf(toBrain(data))
  return bytesOf(data)
}

function fromRaw(dtype: Dtype, raw: ArrayBuffer): TensorData {
  if (dtype === 'F16') return fromHalf(new Uint16Array(raw))
  if (dtype === 'BF16') return fromBrain(new Uint16Array(raw))
  return new dtypes[dtype].array(raw)
}

const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

/** float16 bits to float32: exact, NaN payloads kept. */
export function fromHalf(bits: Uint16Array, out = new Float32Array(bits.length)): Float32Array {
  const table = (halves ??= halfTable())
  const words = new Uint32Array(out.buffer, out.byteOffset, bits.length)
  for (let i = 0; i < bits.length; i++) words[i] = table[bits[i]!]!
  return out
}

let halves: Uint32Array | undefined

function halfTable(): Uint32Array {
  const words = new Uint32Array(65536)
  const floats = new Float32Array(words.buffer)
  for (let half = 0; half < 65536; half++) {
    const size = half & 0x7fff
    words[half] = size << 13 // exponent and fraction in place, but the exponent's bias is 112 short
    floats[half]! *= 2 ** 112
    words[half]! |= ((half & 0x8000) << 16) | (size >= 0x7c00 ? 0x7f800000 : 0)
  }
  return words
}

/** The float16 nearest to each number, as bits: ties to even, 65520 and beyond to Infinity, NaN to a quiet NaN. */
export function toHalf(data: Float32Array | Float64Array): Uint16Array {
  const bits = new Uint16Array(data.length)
  const wide = new DataView(new ArrayBuffer(8))
  for (let i = 0; i < data.length; i++) {
    wide.setFloat64(0, data[i]!)
    const high = wide.getUint32(0)
    const sign = (high >>> 16) & 0x8000
    const exponent = Math.max((high >>> 20) & 0x7ff, 1009) // float16 is evenly spaced below 2^-14, whose exponent is 1009
    if (exponent > 1038) {
      bits[i] = sign | (Number.isNaN(data[i]) ? 0x7e00 : 0x7c00)
      continue
    }
    const steps = Math.abs(data[i]!) * (2 ** 24 / (1 << (exponent - 1009)))
    const rounded = steps + 2 ** 52 - 2 ** 52 // to nearest even
    bits[i] = sign | ((exponent - 1009) * 1024 + rounded) // a carry runs into the exponent, as it should
  }
  return bits
}

/** bfloat16 bits to float32: exact, NaN payloads kept. */
export function fromBrain(bits: Uint16Array, out = new Float32Array(bits.length)): Float32Array {
  const words = new Uint32Array(out.buffer, out.byteOffset, bits.length)
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16
  return out
}

/** The bfloat16 nearest to each float32, as bits: ties to even. */
export function toBrain(data: Float32Array): Uint16Array {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length)
  const bits = new Uint16Array(data.length)
  for (let i = 0; i < bits.length; i++) {
    const x = words[i]!
    bits[i] = (x & 0x7fffffff) > 0x7f800000 ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16
  }
  return bits
}
