import { type Dtype, headerLength, parseHeader } from '@sublinear/core'
import { type Element, elementBytes } from './elements'
import { type Reader, type Source, fresh } from './fill'
import { arrayEntry, arrayKeys } from './npz'
import { type ReadBytes, zipDirectory } from './zip-directory'
import { type OpenEntry, openEntry } from './zip-entry'
import { isZip, meaningOf } from './npy-meaning'
import { NPY_PREFIX, type NpyOptions, npyHeaderLength, parseNpyHeader, showShape } from './npy-header'

/** Layout of a matrix in a file: entry (i, j) is element i·rowStride + j·colStride after byte `begin`. */
export interface RowLayout {
  readonly rows: number
  readonly cols: number
  /** Sizes of all axes of the array to which the matrix belongs. */
  readonly shape: readonly number[]
  readonly element: Element
  readonly bigEndian: boolean
  readonly begin: number
  readonly rowStride: number
  readonly colStride: number
  /** Readers of the bytes that `begin` counts. */
  readonly reader: () => Reader
}

interface Located {
  readonly element: Element
  readonly bigEndian: boolean
  readonly fortran: boolean
  readonly shape: readonly number[]
  readonly begin: number
  /** The file of an archive in which it lies. Absent: it lies in the file itself. */
  readonly entry?: OpenEntry | undefined
}

/** Names the array of a file that is wanted, and how to read it. */
export interface Pick extends NpyOptions {
  readonly tensor?: string | undefined
}

const elements: Readonly<Record<Dtype, Element>> = {
  F16: 'f2',
  BF16: 'bf2',
  F32: 'f4',
  F64: 'f8',
  I8: 'i1',
  I16: 'i2',
  I32: 'i4',
  I64: 'i8',
  U8: 'u1',
  U16: 'u2',
  U32: 'u4',
  U64: 'u8',
  BOOL: 'b1',
}

/**
 * Reads the layout of one matrix of a .npy, .npz or .safetensors file from its header alone (an array of an archive is read once, to compare its CRC-32).
 *
 * @param source  its name's ending names the format, else the first bytes do
 * @param pick    which tensor of a .safetensors file or array of a .npz archive (without it the file must hold exactly one), and whether `<V2` is bfloat16
 * @param index   indices of a matrix in an array of more than two axes, one number for each leading axis
 */
export async function rowLayout(source: Source, pick: Pick, index: readonly number[]): Promise<RowLayout> {
  const located = await locate(source, pick)
  const place = addressed(source.name, located, index)
  const { entry, fortran } = located
  const plain: Reader = { fill: source.fill, close: async () => {} }
  const reader = entry === undefined ? () => plain : fortran && place.cols > 1 ? await entry.jumping() : entry.reader
  return { ...place, reader }
}

/** Reads the axes of the array of which `rowLayout` would take a matrix, from the header alone. */
export async function arrayAxes(source: Source, pick: Pick): Promise<readonly number[]> {
  return (await locate(source, pick)).shape
}

/** The arrays of an archive or of a .safetensors file, by name, from its directory alone; undefined of a .npy file, which has one without a name. */
export async function arrayNames(source: Source): Promise<readonly string[] | undefined> {
  const read = reading(source)
  const format = await formatOf(source, read)
  if (format === 'npz') return arrayKeys(await zipDirectory(source.size, read))
  return format === 'safetensors' ? [...(await tensorEntries(source.size, read)).keys()] : undefined
}

const reading =
  ({ fill }: Source): ReadBytes =>
  (...part) =>
    fresh(fill, ...part)

async function formatOf({ name, size }: Source, read: ReadBytes): Promise<string> {
  return /\.(npy|npz|safetensors)$/.exec(name)?.[1] ?? (await sniff(size, read))
}

async function locate(source: Source, pick: Pick): Promise<Located> {
  const read = reading(source)
  const format = await formatOf(source, read)
  if (format === 'safetensors') return locateTensor(source.size, read, pick.tensor)
  if (format === 'npz') return locateEntry(source, read, pick)
  if (pick.tensor !== undefined) throw new RangeError('tensor must be left out for a .npy file')
  return locateNpy(source.size, read, pick)
}

async function sniff(fileSize: number, read: ReadBytes): Promise<'npy' | 'npz' | 'safetensors'> {
  const prefix = await read('header', 0, Math.min(9, fileSize))
  if (prefix[0] === 0x93) return 'npy'
  if (prefix[8] === 0x7b) return 'safetensors'
  if (isZip(prefix)) return 'npz'
  throw new RangeError('must be a .npy, .npz or .safetensors file')
}

async function locateEntry(source: Source, read: ReadBytes, pick: Pick): Promise<Located> {
  const found = arrayEntry(await zipDirectory(source.size, read), pick.tensor)
  const entry = await openEntry(found, source)
  const reader = entry.reader()
  try {
    return { ...(await locateNpy(found.size, (...part) => fresh(reader.fill, ...part), pick)), entry }
  } catch (error) {
    throw error instanceof RangeError ? new RangeError(`${found.name} ${error.message}`, { cause: error }) : error
  } finally {
    await reader.close()
  }
}

async function locateNpy(fileSize: number, read: ReadBytes, options: NpyOptions): Promise<Located> {
  const prefix = await read('header', 0, Math.min(NPY_PREFIX, fileSize))
  const meant = <T>(parse: () => T): T => {
    try {
      return parse()
    } catch (error) {
      throw error instanceof RangeError ? meaningOf(error, prefix) : error
    }
  }
  const header = await read(
    'header',
    0,
    meant(() => npyHeaderLength(prefix, fileSize)),
  )
  return meant(() => parseNpyHeader(header, fileSize, options))
}

async function tensorEntries(fileSize: number, read: ReadBytes) {
  const length = headerLength(await read('header length', 0, Math.min(8, fileSize)), fileSize)
  return parseHeader(await read('header', 8, length), fileSize).entries
}

async function locateTensor(fileSize: number, read: ReadBytes, tensor: string | undefined): Promise<Located> {
  const entries = await tensorEntries(fileSize, read)
  const names = [...entries.keys()]
  const list = names.length > 8 ? `${names.slice(0, 8).join(', ')}, … (${names.length})` : names.join(', ')
  const name = tensor ?? (names.length === 1 ? names[0] : undefined)
  if (name === undefined) throw new RangeError(`tensor must be given, one of: ${list}`)
  const entry = entries.get(name)
  if (entry === undefined) throw new RangeError(`tensor must be one of: ${list}; got ${JSON.stringify(name)}`)
  const element: Element | undefined = elements[entry.dtype as Dtype]
  if (element === undefined) {
    throw new RangeError(
      `tensor ${name} must be ${Object.keys(elements).join(', ')} to be read as rows, got ${entry.dtype}: save it as x.float()`,
    )
  }
  return { element, bigEndian: false, fortran: false, shape: entry.shape, begin: entry.begin }
}

function addressed(path: string, located: Located, index: readonly number[]): Omit<RowLayout, 'reader'> {
  const { element, bigEndian, fortran, shape } = located
  const shown = showShape(shape)
  if (shape.length === 0) throw new RangeError('shape must have at least one axis, got ()')
  const lead = shape.slice(0, Math.max(0, shape.length - 2))
  if (index.length !== lead.length) {
    const letters = lead.map((_, axis) => 'ijklmnopqrstuvwxyz'.charAt(axis % 18))
    const how =
      lead.length === 0
        ? path
        : `${path}[${letters.join(',')}] with ${letters.map((l, axis) => `${l} < ${lead[axis]}`).join(', ')}`
    throw new RangeError(`shape is ${shown}: address one matrix as ${how}, got ${index.length} indices`)
  }
  for (const [axis, i] of index.entries()) {
    if (i >= lead[axis]) throw new RangeError(`index ${axis} must be < ${lead[axis]} for shape ${shown}, got ${i}`)
  }
  const full = shape.length === 1 ? [shape[0], 1] : shape
  const strides = full.map((_, axis) =>
    (fortran ? full.slice(0, axis) : full.slice(axis + 1)).reduce((p, n) => p * n, 1),
  )
  const [rows, cols] = full.slice(-2) as [number, number]
  const [rowStride, colStride] = strides.slice(-2) as [number, number]
  if (cols === 0) throw new RangeError(`shape must have at least one column, got ${shown}`)
  const skipped = index.reduce((sum, i, axis) => sum + i * strides[axis], 0)
  const begin = located.begin + skipped * elementBytes[element]
  return { rows, cols, shape, element, bigEndian, begin, rowStride, colStride }
}
