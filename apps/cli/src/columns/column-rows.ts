import type { Matrix } from '@sublinear/core'
import type { Rows } from '@sublinear/io/node'

/** A column of a table, each of whose entries is a list of `cols` numbers. */
export interface Column {
  /** Path of the file, as errors name it. */
  readonly path: string
  readonly rows: number
  readonly cols: number
  readonly dtype: Rows['dtype']
  /** All rows, in order, in pieces of whole rows as the file has them. */
  pieces(): AsyncGenerator<Float32Array, void, undefined>
  close(): Promise<void>
}

const MOST_BLOCK = 2 ** 30 // entries

/**
 * Gives a column as rows. A block that lies within one piece is a view of it; others are copied.
 *
 * @throws blocks(): RangeError for entries that are not finite, with row and column, and when the file has fewer rows than it had
 */
export function columnRows({ path, rows, cols, dtype, pieces, close }: Column): Rows {
  async function* blocks(size: number, begin = 0, end = rows): AsyncGenerator<Matrix, void, undefined> {
    if (begin !== 0 || end !== rows) throw new RangeError(`${path}: can only be read from its first row to its last`)
    if (!Number.isSafeInteger(size) || size < 1)
      throw new RangeError(`${path}: size must be an integer >= 1, got ${size}`)
    if (Math.min(size, rows) * cols > MOST_BLOCK)
      throw new RangeError(`${path}: a block must have at most 2^30 entries`)
    let first = 0
    let waiting: Float32Array | undefined // a block that the pieces so far do not fill
    let filled = 0
    for await (const piece of pieces()) {
      for (let at = 0; at < piece.length;) {
        const wanted = Math.min(size, rows - first) * cols
        if (wanted === 0) throw new RangeError(`${path}: has more rows than it had`)
        const part = piece.subarray(at, at + wanted - filled)
        at += part.length
        if (part.length < wanted) {
          waiting ??= new Float32Array(wanted)
          waiting.set(part, filled)
          filled += part.length
          if (filled < wanted) continue
        }
        const data = waiting ?? part
        checkFinite(path, data, first, cols)
        yield { rows: wanted / cols, cols, data }
        first += wanted / cols
        waiting = undefined
        filled = 0
      }
    }
    if (first < rows) throw new RangeError(`${path}: expected ${rows} rows, found ${first} (did it shrink?)`)
  }
  return { rows, cols, shape: [rows, cols], dtype, blocks, close, [Symbol.asyncDispose]: close }
}

function checkFinite(path: string, data: Float32Array, first: number, cols: number): void {
  const wrong = data.findIndex((x) => !Number.isFinite(x))
  if (wrong < 0) return
  const where = `row ${first + Math.floor(wrong / cols)}, column ${wrong % cols}`
  throw new RangeError(`${path}: data at ${where}: expected a finite float32, found ${data[wrong]}`)
}

/** The name of the only column of lists, or of the one that was asked for. */
export function chosenColumn(path: string, lists: readonly string[], name: string | undefined): string {
  const chosen = name ?? (lists.length === 1 ? lists[0] : undefined)
  if (chosen !== undefined && lists.includes(chosen)) return chosen
  const shown =
    lists.length === 0 ? 'has no column of lists of numbers' : `name a column of lists of numbers: ${lists.join(', ')}`
  throw new RangeError(`${path}: ${shown}${name === undefined ? '' : `; got ${name}`}`)
}

/** Loads an optional package; where it is missing, the error says how to install it. */
export async function peer<T>(path: string, name: string, load: () => Promise<T>): Promise<T> {
  return load().catch((cause: unknown) => {
    throw new Error(`${path}: needs ${name} beside this command: npm install ${name}`, { cause })
  })
}

/** Makes the error of a reader of such files name the file, unless it does so already. */
export function faultOf(path: string, format: string, error: unknown): unknown {
  const { message, code } = error as NodeJS.ErrnoException
  if (message.startsWith(`${path}: `)) return error
  const why = code === 'ENOENT' ? 'there is no such file' : `cannot be read as ${format} (${message})`
  return new Error(`${path}: ${why}`, { cause: error })
}
