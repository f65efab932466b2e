import type { Matrix } from '@sublinear/core'
import { blobArrays, blobShape, openBlobRows, type BlobLike } from '@sublinear/io'

/** The three matrices of a head. */
export interface HeadRows {
  readonly queries: Matrix
  readonly keys: Matrix
  readonly values: Matrix
}

/** A dropped file, or what counts the bytes that are read of one. */
export type DroppedFile = BlobLike & { readonly name: string }

/** A head of dropped files, and what else is in them. */
export interface FoundHead extends HeadRows {
  /** Rows of the keys in their file; no more than `MOST_ROWS` are taken. */
  readonly rowsThere: number
  /** Places of the heads in the leading axes of the queries, as `0.3`; empty where there is one. */
  readonly heads: readonly string[]
  /** The one that was taken. */
  readonly head: string
}

/** Most rows that are taken of a file, from its first on: boards of more take minutes. */
export const MOST_ROWS = 4096
/** Heads that are offered by name. */
const MOST_HEADS = 4096
const ROLES = {
  queries: /(^|[^a-z])q(uer(y|ies))?([^a-z]|$)/i,
  keys: /(^|[^a-z])k(eys?)?([^a-z]|$)/i,
  values: /(^|[^a-z])v(alues?)?([^a-z]|$)/i,
}
type Role = keyof typeof ROLES
const NAMES = Object.keys(ROLES) as Role[]

/** Where a matrix lies: a file, and an array of it. */
interface Place {
  readonly file: DroppedFile
  readonly tensor?: string | undefined
  readonly shape: readonly number[]
}

/**
 * The head in dropped files: three .npy files named like q, k and v, or one .npz or .safetensors file with such arrays. Files are read by their ranges, and no more
 * of them than the rows that are taken.
 *
 * @param head  place in the leading axes of the queries, as `0.3`; default the first. Keys and values with fewer heads are shared by groups of queries
 * @throws RangeError, with the file's name, when one is malformed, missing or no matrix
 */
export async function headIn(files: readonly DroppedFile[], head?: string): Promise<FoundHead> {
  const found = await placesIn(files)
  const missing = NAMES.filter((role) => !found[role])
  if (missing.length > 0)
    throw new RangeError(`no ${missing.join(', no ')}: name files or arrays q, k and v, or queries, keys and values`)
  const { queries, keys, values } = found as Record<Role, Place>
  const lead = leadOf(queries)
  const heads = placesOf(lead)
  const chosen = head !== undefined && heads.includes(head) ? head : (heads[0] ?? '')
  const index = chosen === '' ? [] : chosen.split('.').map(Number)
  return {
    queries: await firstRows(queries, index),
    keys: await firstRows(keys, matching('keys', index, lead, leadOf(keys))),
    values: await firstRows(values, matching('values', index, lead, leadOf(values))),
    rowsThere: keys.shape.at(-2) ?? 0,
    heads,
    head: chosen,
  }
}

/** The same word for a refusal here as in Node, behind the name of the file. */
async function named<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RangeError(error.message.replace(/^(openBlobRows|blobShape|blobArrays): /, ''), { cause: error })
  }
}

async function placesIn(files: readonly DroppedFile[]): Promise<Partial<Record<Role, Place>>> {
  const found: Partial<Record<Role, Place>> = {}
  for (const file of files) {
    const arrays = await named(blobArrays(file))
    if (arrays.length === 0) {
      const role = roleOf(file.name.replace(/\.[a-z]+$/, ''))
      const shape = await named(blobShape(file)) // a malformed file is refused, whatever its name
      if (role && !found[role]) found[role] = { file, shape }
    }
    for (const tensor of arrays) {
      const role = roleOf(tensor)
      if (role && !found[role]) found[role] = { file, tensor, shape: await named(blobShape(file, { tensor })) }
    }
  }
  return found
}

const roleOf = (name: string) => NAMES.find((role) => ROLES[role].test(name))
const leadOf = ({ shape }: Place) => shape.slice(0, Math.max(0, shape.length - 2))

function placesOf(lead: readonly number[]): string[] {
  const count = lead.reduce((product, n) => product * n, 1)
  if (lead.length === 0) return []
  return Array.from({ length: Math.min(count, MOST_HEADS) }, (_, i) => {
    let rest = i
    const place = lead.toReversed().map((n) => {
      const at = rest % n
      rest = Math.floor(rest / n)
      return at
    })
    return place.toReversed().join('.')
  })
}

/** The place in another array: the same, with fewer heads in the last axis where they divide. */
function matching(name: string, index: readonly number[], from: readonly number[], to: readonly number[]): number[] {
  const last = to.length - 1
  const fits =
    to.length === from.length &&
    to.every((count, axis) => (axis < last ? count === from[axis] : count > 0 && from[axis] % count === 0))
  if (!fits)
    throw new RangeError(`queries have the heads [${from.join(', ')}], ${name} [${to.join(', ')}]: they do not fit`)
  return index.map((i, axis) => Math.floor((i * to[axis]) / from[axis]))
}

async function firstRows({ file, tensor }: Place, index: readonly number[]): Promise<Matrix> {
  const read = async () => {
    await using rows = await openBlobRows(file, { tensor, index })
    for await (const block of rows.blocks(
      Math.min(MOST_ROWS, Math.max(1, rows.rows)),
      0,
      Math.min(MOST_ROWS, rows.rows),
    ))
      return block
    return { rows: 0, cols: rows.cols, data: new Float32Array() }
  }
  return named(read())
}

/** A file that says how many of its bytes have been read, at most so often as it is asked. */
export function counted(file: DroppedFile, heard: (bytes: number) => void): DroppedFile {
  return {
    name: file.name,
    size: file.size,
    slice(start, end) {
      heard(Math.min(end, file.size) - start)
      return file.slice(start, end)
    },
  }
}
