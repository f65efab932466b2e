import { decodeNpy, decodeNpz, decodeTensors, type NpyArray } from '@sublinear/io'
import type { Matrix } from '@sublinear/core'

/** The three matrices of a head. */
export interface HeadRows {
  readonly queries: Matrix
  readonly keys: Matrix
  readonly values: Matrix
}

/** Most rows that are taken of a file, from its first on: boards of more take minutes. */
export const MOST_ROWS = 4096
/** Most bytes of a header; a file with a longer one is refused. */
const HEADER = 1 << 16
const ROLES = {
  queries: /(^|[^a-z])q(uer(y|ies))?([^a-z]|$)/i,
  keys: /(^|[^a-z])k(eys?)?([^a-z]|$)/i,
  values: /(^|[^a-z])v(alues?)?([^a-z]|$)/i,
}
type Role = keyof typeof ROLES

/**
 * Reads the head in dropped files: three .npy files named like q, k and v, or one .npz or .safetensors file with such arrays. Of a .npy file only its
 * first rows are read.
 *
 * @throws RangeError, with the file's name, when one is malformed, missing or no matrix
 */
export async function headIn(files: readonly File[]): Promise<HeadRows> {
  const found: Partial<Record<Role, Matrix>> = {}
  const put = (name: string, matrix: () => Matrix) => {
    const role = (Object.keys(ROLES) as Role[]).find((one) => ROLES[one].test(name.replace(/\.[a-z]+$/, '')))
    if (role && !found[role]) found[role] = matrix()
  }
  for (const file of files) {
    try {
      if (file.name.endsWith('.npy')) {
        const array = await firstRows(file)
        put(file.name, () => matrixOf(array))
      } else if (file.name.endsWith('.npz')) {
        for (const [name, array] of Object.entries(await decodeNpz(await whole(file)))) put(name, () => matrixOf(array))
      } else if (file.name.endsWith('.safetensors')) {
        for (const [name, { shape, data }] of decodeTensors(await whole(file)).tensors)
          put(name, () => matrixOf({ shape, data: data as NpyArray['data'] }))
      } else throw new RangeError('must be a .npy, .npz or .safetensors file')
    } catch (error) {
      throw error instanceof RangeError ? new RangeError(`${file.name}: ${error.message}`, { cause: error }) : error
    }
  }
  const missing = (Object.keys(ROLES) as Role[]).filter((role) => !found[role])
  if (missing.length > 0)
    throw new RangeError(`no ${missing.join(', no ')}: name files or arrays q, k and v, or queries, keys and values`)
  return found as HeadRows
}

/** Reads a whole file, which must fit into the page's memory. */
async function whole(file: File): Promise<Uint8Array> {
  if (file.size > 2 ** 28)
    throw new RangeError(
      `must have at most 256 MiB to be read whole, got ${file.size} bytes; .npy files are read in part`,
    )
  return new Uint8Array(await file.arrayBuffer())
}

/** Reads the first rows of a .npy file by their range, and writes a new header for so many. */
async function firstRows(file: File): Promise<NpyArray> {
  const start = new Uint8Array(await file.slice(0, HEADER).arrayBuffer())
  const text = Array.from(start, (byte) => String.fromCharCode(byte)).join('')
  const shape = /'shape': *\((\d+)L?, *(\d+)L?,?\)/.exec(text)
  const end = text.indexOf('\n') + 1
  const isLarge =
    file.size > 2 ** 24 && shape && Number(shape[1]) > MOST_ROWS && /'fortran_order': *False/.test(text) && end > 0
  if (!isLarge) return decodeNpy(await whole(file))
  const rowBytes = (file.size - end) / Number(shape[1])
  if (!Number.isInteger(rowBytes)) throw new RangeError(`must have whole rows after its header of ${end} bytes`)
  const head = start.slice(0, end)
  const fewer = text.slice(0, end).replace(shape[0], `'shape': (${MOST_ROWS}, ${shape[2]})`)
  const padded = fewer.slice(0, -1).padEnd(end - 1) + '\n'
  for (let i = 0; i < end; i++) head[i] = padded.charCodeAt(i)
  const rows = new Uint8Array(await file.slice(end, end + rowBytes * MOST_ROWS).arrayBuffer())
  const both = new Uint8Array(end + rows.length)
  both.set(head)
  both.set(rows, end)
  return decodeNpy(both)
}

/** The matrix of the last two axes; of an array of several heads, the first. */
function matrixOf({ shape, data }: Pick<NpyArray, 'shape' | 'data'>): Matrix {
  const [n, cols] = shape.slice(-2)
  if (shape.length < 2 || !(n > 0) || !(cols > 0))
    throw new RangeError(`must be a matrix, got shape [${shape.join(', ')}]`)
  const rows = Math.min(n, MOST_ROWS)
  const own = Float32Array.from({ length: rows * cols }, (_, i) => Number(data[i]))
  const bad = own.findIndex((x) => !Number.isFinite(x))
  if (bad >= 0)
    throw new RangeError(`must be finite, got ${own[bad]} at row ${Math.floor(bad / cols)}, column ${bad % cols}`)
  return { rows, cols, data: own }
}
