import { about, checkWidth, fileRows, type OpenRowsOptions, type Rows } from './file-rows'
import { endedEarly, type Source } from './fill'
import { arrayAxes, arrayNames, rowLayout } from './row-layout'
import { streamInflate } from './stream-inflate'

/** A file of a browser, as far as it is used: a File or a Blob is one, and so is anything that counts what is read. */
export interface BlobLike {
  /** Name of a File: its ending names the format, else the first bytes do. */
  readonly name?: string | undefined
  readonly size: number
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> }
}

export interface BlobRowsOptions extends OpenRowsOptions {
  /** Place of one matrix in an array of more than two axes: a number for each leading one. Default: none. */
  readonly index?: readonly number[] | undefined
}

const WHO = 'openBlobRows'

/**
 * The rows of a matrix of numbers in a .npy, .npz or .safetensors file that a browser gives as a File, as float32 blocks. It is `openRows` of
 * `@sublinear/io/node` over ranges of the file: the same formats, the same refusals.
 *
 * Cost: the header, then buffers of about 1 MiB (or a few rows, where one is longer) and the block itself; the file is never read whole, but an array of a
 * .npz archive once, a piece at a time, to compare its CRC-32.
 *
 * @throws TypeError, RangeError when it is malformed or does not hold such a matrix, and for entries that are not finite, with row and column; what the
 *   browser throws when it can no longer read the file
 */
export async function openBlobRows(file: BlobLike, options: BlobRowsOptions = {}): Promise<Rows> {
  let isClosed = false
  const source = sourceOf(file, () => isClosed)
  const { index = [], ...pick } = options
  const place = index.map((i) => {
    if (Number.isSafeInteger(i) && i >= 0) return i
    throw new RangeError(`${WHO}: ${source.name}: index must be whole numbers such as [0,3], got [${index.join(',')}]`)
  })
  try {
    const layout = await rowLayout(source, pick, place)
    checkWidth(layout)
    return fileRows(WHO, source.name, layout, options, async () => void (isClosed = true))
  } catch (error) {
    throw about(WHO, source.name, error)
  }
}

/**
 * All axes of the array that openBlobRows would take a matrix of, from the header alone.
 *
 * @throws TypeError, RangeError when the file is malformed
 */
export async function blobShape(
  file: BlobLike,
  options: Omit<OpenRowsOptions, 'finite'> = {},
): Promise<readonly number[]> {
  const source = sourceOf(file, () => false)
  try {
    return await arrayAxes(source, options)
  } catch (error) {
    throw about('blobShape', source.name, error)
  }
}

/**
 * The names of the arrays in a .npz or .safetensors file, from its directory alone; none of a .npy file, whose array has no name.
 *
 * @throws RangeError when the file is malformed
 */
export async function blobArrays(file: BlobLike): Promise<readonly string[]> {
  const source = sourceOf(file, () => false)
  try {
    return (await arrayNames(source)) ?? []
  } catch (error) {
    throw about('blobArrays', source.name, error)
  }
}

function sourceOf(file: BlobLike, isClosed: () => boolean): Source {
  if (typeof file?.slice !== 'function' || typeof file.size !== 'number')
    throw new TypeError(`${WHO}: file must be a File or a Blob, got ${String(file)}`)
  const { name = 'a file without a name', size } = file
  return {
    name,
    size,
    inflate: streamInflate,
    async fill(what, position, into) {
      if (isClosed()) throw new Error(`${WHO}: ${name}: was closed`)
      const bytes = new Uint8Array(await file.slice(position, position + into.length).arrayBuffer())
      if (bytes.length < into.length) throw endedEarly(what, position + into.length, position + bytes.length)
      into.set(bytes)
      return into
    },
  }
}
