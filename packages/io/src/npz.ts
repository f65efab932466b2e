import { crc32, isUint8 } from '@sublinear/core'
import type { NpyOptions } from './npy-header'
import { type NpyArray, decodeNpy } from './npy'
import { type ZipEntry, dataBegin, fault, zipDirectory } from './zip-directory'

/**
 * Decodes the arrays of a .npz archive (np.savez, np.savez_compressed), by the names that NumPy gives them.
 *
 * Cost: the arrays, and one inflated copy of the array that is being read; sizes are compared before memory is taken.
 *
 * @param options.keys  names of the arrays wanted. Default: all
 * @throws RangeError, with the byte where it goes wrong, unless every array is whole (its CRC-32 too) and well formed; Error where a deflated array meets an
 * engine without DecompressionStream
 */
export async function decodeNpz(
  bytes: Uint8Array,
  options: NpyOptions & { readonly keys?: readonly string[] | undefined } = {},
): Promise<Map<string, NpyArray>> {
  if (!isUint8(bytes)) throw new TypeError('npz: bytes must be a Uint8Array')
  const read = async (what: string, position: number, length: number) => {
    if (position + length > bytes.length) throw fault(what, position, `${length} bytes`, 'the end (cut short?)')
    return bytes.subarray(position, position + length)
  }
  const entries = await zipDirectory(bytes.length, read)
  const arrays = new Map<string, NpyArray>()
  for (const key of options.keys ?? arrayKeys(entries)) {
    const entry = arrayEntry(entries, key)
    const begin = await dataBegin(entry, read)
    const packed = await read(entry.name, begin, entry.packed)
    const whole = entry.deflated ? await inflated(packed, entry) : packed
    if (crc32(whole) !== entry.crc)
      throw fault(entry.name, begin, 'bytes of the CRC-32 in the directory', 'others (damaged?)')
    arrays.set(key, decodeNpy(whole, options))
  }
  return arrays
}

/** The names of the arrays: those of the files, without .npy. */
export function arrayKeys(entries: readonly ZipEntry[]): string[] {
  return entries.filter(({ name }) => name.endsWith('.npy')).map(({ name }) => name.slice(0, -4))
}

/** The entry of an array. @throws RangeError when there is none; the message lists the names */
export function arrayEntry(entries: readonly ZipEntry[], key: string | undefined): ZipEntry {
  const keys = arrayKeys(entries)
  const wanted = key ?? (keys.length === 1 ? keys[0] : undefined)
  const list = keys.length > 8 ? `${keys.slice(0, 8).join(', ')}, … (${keys.length})` : keys.join(', ')
  if (wanted === undefined) throw new RangeError(`tensor must be given, one of: ${list}`)
  const entry = entries.find(({ name }) => name === `${wanted}.npy`)
  if (entry === undefined) throw new RangeError(`tensor must be one of: ${list}; got ${JSON.stringify(wanted)}`)
  return entry
}

/** Inflates an entry, and stops at the first byte more than the directory says. */
async function inflated(packed: Uint8Array, { name, size, at }: ZipEntry): Promise<Uint8Array> {
  if (typeof DecompressionStream === 'undefined')
    throw new Error(`npz: ${name} is deflated, and this engine has no DecompressionStream: save it with np.savez`)
  const wrong = (found: string) => fault(name, at, `${size} bytes in deflated form`, found)
  const stream = new Blob([packed as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('deflate-raw'))
  const reader = stream.getReader()
  const pieces: Uint8Array[] = []
  let length = 0
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      pieces.push(next.value)
      length += next.value.length
      if (length > size) throw wrong('more')
    }
  } catch (error) {
    await reader.cancel().catch(() => {})
    throw error instanceof RangeError ? error : wrong('something else')
  }
  if (length !== size) throw wrong(`${length}`)
  const whole = new Uint8Array(size)
  let to = 0
  for (const piece of pieces) {
    whole.set(piece, to)
    to += piece.length
  }
  return whole
}
