/** Reads exactly these bytes, or throws. */
export type ReadBytes = (what: string, position: number, length: number) => Promise<Uint8Array>

/** One file of a zip archive, as its directory says. */
export interface ZipEntry {
  readonly name: string
  readonly deflated: boolean
  readonly crc: number
  /** Bytes in the archive, and bytes when inflated. */
  readonly packed: number
  readonly size: number
  /** Byte at which its own header begins. */
  readonly at: number
}

const END = 22
const MOST_COMMENT = 65_535
/** Most bytes of a directory; that of a few tensors has hundreds. */
const MOST_DIRECTORY = 2 ** 26
/** Largest ratio of inflated to deflated bytes: deflate cannot reach more than 1032. */
const MOST_RATIO = 1032
const FLAGS = 0x80e // flags that are read: degree of deflation, sizes after the data, names in UTF-8

/**
 * Reads the files of a zip archive of `fileSize` bytes, also zip64, from its directory alone.
 *
 * It refuses what some readers accept: bytes before the archive or between its parts, several disks, encryption, methods other than stored and deflated,
 * names twice or not in UTF-8, files that overlap.
 *
 * @throws RangeError, with the byte where it goes wrong, before anything is allocated for a file
 */
export async function zipDirectory(fileSize: number, read: ReadBytes): Promise<ZipEntry[]> {
  const { begin, length, count } = await findDirectory(fileSize, read)
  if (length > MOST_DIRECTORY) throw fault('directory', begin, `at most ${MOST_DIRECTORY} bytes`, `${length}`)
  const bytes = await read('directory', begin, length)
  const entries: ZipEntry[] = []
  let at = 0
  while (at < length) {
    const { entry, next } = parseEntry(bytes, at, begin)
    entries.push(entry)
    at = next
  }
  if (entries.length !== count) throw fault('directory', begin, `${count} files`, `${entries.length}`)
  const names = new Set<string>()
  let end = 0
  const inOrder = [...entries]
  inOrder.sort((a, b) => a.at - b.at)
  for (const entry of inOrder) {
    if (names.has(entry.name)) throw fault('directory', begin, 'each name once', `${JSON.stringify(entry.name)} again`)
    names.add(entry.name)
    if (entry.at < end) throw fault('file', entry.at, `nothing before byte ${end} (no overlap)`, entry.name)
    end = entry.at + 30 + entry.packed
    if (end > begin) throw fault('file', entry.at, `an end before the directory at byte ${begin}`, `${end}`)
  }
  return entries
}

/** The byte at which the data of an entry begins: after its own header, which must agree with the directory. */
export async function dataBegin(entry: ZipEntry, read: ReadBytes): Promise<number> {
  const { at, name } = entry
  const header = view(await read('header of a file', at, 30))
  if (header.getUint32(0, true) !== 0x04034b50) throw fault('file', at, 'the header of a file', 'something else')
  const method = entry.deflated ? 8 : 0
  const own = await read('name of a file', at + 30, header.getUint16(26, true))
  if ((header.getUint16(6, true) & ~FLAGS) !== 0 || header.getUint16(8, true) !== method || textOf(own) !== name) {
    throw fault('file', at, `the header of ${name}, as in the directory`, 'another')
  }
  return at + 30 + own.length + header.getUint16(28, true)
}

/** Makes an error that says what of the archive is wrong, and where. */
export function fault(what: string, at: number, expected: string, found: string): RangeError {
  return new RangeError(`npz: ${what} at byte ${at}: expected ${expected}, found ${found}`)
}

interface Directory {
  readonly begin: number
  readonly length: number
  readonly count: number
}

async function findDirectory(fileSize: number, read: ReadBytes): Promise<Directory> {
  if (fileSize < END) throw fault('archive', 0, `at least ${END} bytes`, `${fileSize} (cut short?)`)
  const opening = view(await read('archive', 0, 4)).getUint32(0, true)
  if (opening !== 0x04034b50) throw fault('archive', 0, 'the header of a file', 'something else')
  const from = Math.max(0, fileSize - END - MOST_COMMENT)
  const tail = view(await read('end of the archive', from, fileSize - from))
  let at = tail.byteLength - END
  while (at >= 0 && tail.getUint32(at, true) !== 0x06054b50) at--
  if (at < 0) throw fault('archive', fileSize, 'the end of a directory', 'none (cut short?)')
  const behind = tail.byteLength - at - END
  if (tail.getUint16(at + 20, true) !== behind)
    throw fault('archive', from + at, `a comment of ${behind} bytes`, 'another')
  const end = from + at
  const [disks, here, total] = [
    tail.getUint32(at + 4, true),
    tail.getUint16(at + 8, true),
    tail.getUint16(at + 10, true),
  ]
  const short = { begin: tail.getUint32(at + 16, true), length: tail.getUint32(at + 12, true), count: total }
  if (disks !== 0 || here !== total) throw fault('archive', end, 'one disk', 'several')
  const wide = await findWide(end, read)
  const { begin, length, count } = wide ?? short
  for (const name of ['begin', 'length', 'count'] as const) {
    const most = name === 'count' ? 0xffff : 0xffffffff
    if (wide !== undefined && short[name] !== most && short[name] !== wide[name])
      throw fault('archive', end, `the same ${name} of the directory twice`, `${short[name]} and ${wide[name]}`)
  }
  const next = wide === undefined ? end : wide.at
  if (begin + length !== next) throw fault('archive', end, `a directory that ends at byte ${next}`, `${begin + length}`)
  return { begin, length, count }
}

/** Reads the end of a zip64 directory, where there is one. */
async function findWide(end: number, read: ReadBytes): Promise<(Directory & { readonly at: number }) | undefined> {
  if (end < 20 + 56) return undefined
  const locator = view(await read('end of the archive', end - 20, 20))
  if (locator.getUint32(0, true) !== 0x07064b50) return undefined
  const at = wideNumber(locator, 8)
  if (locator.getUint32(4, true) !== 0 || locator.getUint32(16, true) !== 1 || at !== end - 20 - 56)
    throw fault('archive', end - 20, `the end of a zip64 directory at byte ${end - 76}`, `${at}`)
  const record = view(await read('end of the archive', at, 56))
  const count = wideNumber(record, 32)
  const isSound = record.getUint32(0, true) === 0x06064b50 && wideNumber(record, 4) === 44
  if (
    !isSound ||
    record.getUint32(16, true) !== 0 ||
    record.getUint32(20, true) !== 0 ||
    wideNumber(record, 24) !== count
  )
    throw fault('archive', at, 'the end of a zip64 directory', 'something else')
  return { at, begin: wideNumber(record, 48), length: wideNumber(record, 40), count }
}

function parseEntry(bytes: Uint8Array, at: number, base: number): { entry: ZipEntry; next: number } {
  const wrong = (expected: string, found: string) => fault('directory', base + at, expected, found)
  const data = view(bytes)
  if (at + 46 > bytes.length || data.getUint32(at, true) !== 0x02014b50) throw wrong('an entry', 'something else')
  const [flags, method, lengths] = [data.getUint16(at + 8, true), data.getUint16(at + 10, true), [28, 30, 32]]
  const [name, extra, comment] = lengths.map((offset) => data.getUint16(at + offset, true)) as [number, number, number]
  const next = at + 46 + name + extra + comment
  if (next > bytes.length) throw wrong(`an entry of ${next - at} bytes`, `${bytes.length - at}`)
  const text = textOf(bytes.subarray(at + 46, at + 46 + name))
  if (text === undefined || text.includes('\0') || (!/^[ -~]*$/.test(text) && (flags & 0x800) === 0))
    throw wrong('a name in UTF-8', 'another')
  if ((flags & ~FLAGS) !== 0) throw wrong(`${text} without encryption and patches`, `flags ${flags}`)
  if (method !== 0 && method !== 8) throw wrong(`${text} to be stored or deflated`, `method ${method}`)
  if (data.getUint8(at + 6) > 63 || data.getUint16(at + 34, true) !== 0)
    throw wrong(`${text} of one disk, version 6.3`, 'other')
  const fields = extraFields(bytes.subarray(at + 46 + name, at + 46 + name + extra), wrong)
  if (fields.has(0x7075)) throw wrong(`one name for ${text}`, 'another beside it')
  const wide = fields.get(1)
  let taken = 0
  const number = (offset: number) => {
    const value = data.getUint32(at + offset, true)
    if (value !== 0xffffffff) return value
    if (wide === undefined || wide.length < taken + 8) throw wrong(`the zip64 numbers of ${text}`, 'fewer')
    taken += 8
    return wideNumber(view(wide), taken - 8)
  }
  const [size, packed, begin] = [number(24), number(20), number(42)]
  const deflated = method === 8
  if (deflated ? size > MOST_RATIO * packed : size !== packed)
    throw wrong(`at most ${deflated ? MOST_RATIO * packed : packed} bytes of ${text}`, `${size}`)
  return { entry: { name: text, deflated, crc: data.getUint32(at + 16, true), packed, size, at: begin }, next }
}

function extraFields(
  bytes: Uint8Array,
  wrong: (expected: string, found: string) => RangeError,
): Map<number, Uint8Array> {
  const fields = new Map<number, Uint8Array>()
  const data = view(bytes)
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 > bytes.length ? Infinity : at + 4 + data.getUint16(at + 2, true)
    if (end > bytes.length) throw wrong('whole extra fields', 'a cut one')
    const id = data.getUint16(at, true)
    if (fields.has(id)) throw wrong('each extra field once', `field ${id} again`)
    fields.set(id, bytes.subarray(at + 4, end))
    at = end
  }
  return fields
}

/** Reads eight bytes as a number; Infinity beyond 2^53. */
function wideNumber(data: DataView, at: number): number {
  const value = data.getUint32(at + 4, true) * 2 ** 32 + data.getUint32(at, true)
  return Number.isSafeInteger(value) ? value : Infinity
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
