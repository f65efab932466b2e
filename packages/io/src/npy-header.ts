import { type Element, elementBytes } from './elements'

export interface NpyHeader {
  readonly element: Element
  readonly bigEndian: boolean
  /** Whether the array is column-major. */
  readonly fortran: boolean
  readonly shape: readonly number[]
  /** Byte at which the data begins. */
  readonly begin: number
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] // \x93NUMPY
const MOST_HEADER = 10_000 // NumPy's own bound
const MOST_AXES = 32
export const NPY_PREFIX = 12

/**
 * The number of bytes before the data, read from the first 12 bytes of a file of `fileSize` bytes.
 *
 * @throws RangeError unless they begin a .npy file of version 1.0, 2.0 or 3.0 whose header fits the file and 10,000 bytes
 */
export function npyHeaderLength(prefix: Uint8Array, fileSize: number): number {
  const wrong = MAGIC.findIndex((byte, i) => prefix[i] !== byte)
  if (wrong >= 0) throw fault('magic', wrong, byteName(MAGIC[wrong]), byteName(prefix[wrong]))
  const [major, minor] = [prefix[6], prefix[7]]
  if (major === undefined || major < 1 || major > 3) throw fault('version', 6, '1, 2 or 3', byteName(major))
  if (minor !== 0) throw fault('version', 7, 'byte 0', byteName(minor))
  const start = major === 1 ? 10 : 12
  if (fileSize < start) throw fault('header length', 8, `${start - 8} bytes`, `a file of ${fileSize} bytes`)
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength)
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  const most = Math.min(fileSize - start, MOST_HEADER)
  if (length > most) throw fault('header length', 8, `at most ${most}`, `${length}`)
  return start + length
}

export interface NpyOptions {
  /** Whether two bytes of no type (`<V2`, `|V2`) are read as bfloat16, as NumPy writes arrays of ml_dtypes. Default: false, they are refused. */
  readonly bfloat16?: boolean | undefined
}

/**
 * Reads the header in the first npyHeaderLength bytes of a file of `fileSize` bytes. Axes may end in L, as Python 2 wrote them, in versions 1.0 and 2.0.
 *
 * @throws RangeError unless they are a dict of exactly descr, fortran_order and shape, whose data fills the file exactly
 */
export function parseNpyHeader(header: Uint8Array, fileSize: number, { bfloat16 = false }: NpyOptions = {}): NpyHeader {
  const reader = literalReader(header, header[6] === 1 ? 10 : 12, header[6] < 3)
  let descr: { element: Element; bigEndian: boolean } | undefined
  let fortran: boolean | undefined
  let shape: number[] | undefined
  reader.dict((key, at) => {
    if (key === 'descr' && descr === undefined) descr = parseDescr(reader.position(), reader.string('descr'), bfloat16)
    else if (key === 'fortran_order' && fortran === undefined) fortran = reader.boolean('fortran_order')
    else if (key === 'shape' && shape === undefined) shape = reader.tuple('shape')
    else throw fault('header key', at, 'descr, fortran_order and shape, each once', JSON.stringify(key))
  })
  if (descr === undefined || fortran === undefined || shape === undefined) {
    throw fault('header', header.length, 'descr, fortran_order and shape', 'the end without all of them')
  }
  const size = shape.reduce((product, n) => Math.min(product * n, 2 ** 53), elementBytes[descr.element])
  const extent = shape.reduce((product, n) => product * (n === 0 ? 1 : n), elementBytes[descr.element])
  if (extent >= 2 ** 63) throw fault('shape', header.length, 'axes below 2^63 bytes, zeros aside', showShape(shape)) // as NumPy does
  const found = fileSize - header.length
  if (size !== found) throw fault('data', header.length, `${size} bytes for shape ${showShape(shape)}`, `${found}`)
  return { ...descr, fortran, shape, begin: header.length }
}

/** Writes a header of version 1.0, padded with spaces to a multiple of 64 bytes and at least `least`; for two axes it always has 128. */
export function formatNpyHeader(element: 'f2' | 'f4' | 'f8', shape: readonly number[], least = 0): Uint8Array {
  const dict = `{'descr': '<${element}', 'fortran_order': False, 'shape': ${showShape(shape)}, }`
  const length = Math.max(least, Math.ceil((10 + dict.length + 1) / 64) * 64)
  const text = dict.padEnd(length - 11) + '\n'
  return Uint8Array.from([
    ...MAGIC,
    1,
    0,
    (length - 10) & 255,
    (length - 10) >> 8,
    ...[...text].map((c) => c.charCodeAt(0)),
  ])
}

/** Writes a shape as Python writes a tuple. */
export function showShape(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
}

function parseDescr(at: number, descr: string, bfloat16: boolean): { element: Element; bigEndian: boolean } {
  if (bfloat16 && /^[<|]V2$/.test(descr)) return { element: 'bf2', bigEndian: false }
  const parts = /^(?:([<>])([fiu][248])|[<>|]([iub]1))$/.exec(descr)
  if (parts === null) {
    throw fault('descr', at, 'f2 … f8, i2 … i8 or u2 … u8 after < or >, i1, u1 or b1', JSON.stringify(descr))
  }
  return { element: (parts[2] ?? parts[3]) as Element, bigEndian: parts[1] === '>' }
}

/**
 * Reads the Python literals that a header may hold. Every number, name and bracket is read by hand; nothing is evaluated. With `long`, a number may end in L.
 */
function literalReader(bytes: Uint8Array, start: number, long: boolean) {
  let at = start
  const wrong = (what: string, expected: string) => fault(what, at, expected, byteName(bytes[at]))
  const skip = () => {
    while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0a || bytes[at] === 0x0d) at++
  }
  const next = (character: string) => {
    if (bytes[at] !== character.charCodeAt(0)) return false
    at++
    skip()
    return true
  }
  const take = (what: string, character: string) => {
    if (!next(character)) throw wrong(what, character)
  }
  const string = (what: string): string => {
    const quote = bytes[at]
    if (quote !== 0x22 && quote !== 0x27) throw wrong(what, 'a string')
    const begin = ++at
    while (bytes[at] !== quote) {
      if (!(bytes[at] >= 0x20 && bytes[at] < 0x7f && bytes[at] !== 0x5c)) throw wrong(what, 'a plain ASCII string')
      at++
    }
    const value = String.fromCharCode(...bytes.subarray(begin, Math.min(at, begin + 40)))
    at++
    skip()
    return value
  }
  const integer = (what: string): number => {
    const begin = at
    while (bytes[at] >= 0x30 && bytes[at] <= 0x39) at++
    const digits = String.fromCharCode(...bytes.subarray(begin, Math.min(at, begin + 17)))
    if (digits === '') throw wrong(what, 'a whole number')
    if ((digits.length > 1 && digits.startsWith('0')) || !Number.isSafeInteger(Number(digits))) {
      throw fault(what, begin, 'a whole number up to 2^53 - 1', digits)
    }
    if (long && bytes[at] === 0x4c) at++
    skip()
    return Number(digits)
  }
  return {
    string,
    position: () => at,
    dict(member: (key: string, at: number) => void) {
      take('header', '{')
      while (!next('}')) {
        const begin = at
        const key = string('header key')
        take('header', ':')
        member(key, begin)
        if (next(',')) continue
        take('header', '}')
        break
      }
      if (at < bytes.length) throw wrong('header', 'only white space after it')
      let end = bytes.length
      while (bytes[end - 1] === 0x20 || bytes[end - 1] === 0x09) end--
      // Python takes such a blank for an indented line; for versions 1 and 2 NumPy then reads the header again as Python 2's.
      if (!long && end < bytes.length && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d))
        throw fault('header', end, 'no blank behind the last line', byteName(bytes[end]))
    },
    boolean(what: string): boolean {
      for (const [word, value] of [
        ['True', true],
        ['False', false],
      ] as const) {
        if ([...word].some((c, i) => bytes[at + i] !== c.charCodeAt(0))) continue
        at += word.length
        skip()
        return value
      }
      throw wrong(what, 'True or False')
    },
    tuple(what: string): number[] {
      const list: number[] = []
      take(what, '(')
      while (!next(')')) {
        if (list.length === MOST_AXES) throw wrong(what, `at most ${MOST_AXES} axes`)
        list.push(integer(what))
        if (next(',')) continue
        if (list.length === 1) throw wrong(what, ', (a tuple of one number ends in a comma)')
        take(what, ')')
        break
      }
      return list
    },
  }
}

function byteName(byte: number | undefined): string {
  if (byte === undefined) return 'the end'
  return byte > 0x20 && byte < 0x7f ? JSON.stringify(String.fromCharCode(byte)) : `byte ${byte}`
}

function fault(what: string, at: number, expected: string, found: string): RangeError {
  return new RangeError(`npy: ${what} at byte ${at}: expected ${expected}, found ${found}`)
}
