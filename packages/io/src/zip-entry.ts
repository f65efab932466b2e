import { crc32 } from '@sublinear/core'
import { type Fill, type Inflate, type Reader, type Source, fresh } from './fill'
import { type ZipEntry, dataBegin, fault } from './zip-directory'

const PIECE = 2 ** 20
/** Most bytes of an array that must be held in memory, since it cannot be read in the order of its bytes. */
const MOST_HELD = 2 ** 30

/** One file of a zip archive, checked; byte 0 is its first. */
export interface OpenEntry {
  /** Makes a reader that does not disturb others: going forwards is cheap; going back starts again where the file is deflated. */
  reader(): Reader
  /** Makes readers that may jump; a deflated file is held whole. */
  jumping(): Promise<() => Reader>
}

/**
 * Opens one file of an archive after reading it once, to compare its length and its CRC-32.
 *
 * Cost: one reading, 1 MiB at a time, whatever the file would inflate to.
 *
 * @throws RangeError when length or CRC-32 differ from the directory
 */
export async function openEntry(entry: ZipEntry, { fill, inflate }: Omit<Source, 'name' | 'size'>): Promise<OpenEntry> {
  const begin = await dataBegin(entry, (...part) => fresh(fill, ...part))
  const pieces = () => (entry.deflated ? inflated(entry, begin, fill, inflate) : stored(entry, begin, fill))
  let crc = 0
  for await (const piece of pieces()) crc = crc32(piece, crc)
  if (crc !== entry.crc) throw fault(entry.name, begin, 'bytes of the CRC-32 in the directory', 'others (damaged?)')
  const direct: Fill = (what, position, into) => fill(what, begin + position, into)
  if (!entry.deflated) {
    const reader = () => ({ fill: direct, close: async () => {} })
    return { reader, jumping: async () => reader }
  }
  return {
    reader: () => forwardReader(pieces),
    async jumping() {
      if (entry.size > MOST_HELD)
        throw new RangeError(`${entry.name} is deflated and in Fortran order: save it with np.savez, or in C order`)
      const whole = await forwardReader(pieces).fill('data', 0, new Uint8Array(entry.size))
      const held: Fill = async (_, position, into) => (into.set(whole.subarray(position, position + into.length)), into)
      return () => ({ fill: held, close: async () => {} })
    },
  }
}

async function* stored({ packed }: ZipEntry, begin: number, fill: Fill): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < packed; at += PIECE) yield fresh(fill, 'data', begin + at, Math.min(PIECE, packed - at))
}

/** Inflates an entry: as many bytes as the directory says, and no more. */
async function* inflated(
  entry: ZipEntry,
  begin: number,
  fill: Fill,
  inflate: Inflate,
): AsyncGenerator<Uint8Array, void, undefined> {
  const wrong = (found: string) => fault(entry.name, begin, `${entry.size} bytes in deflated form`, found)
  let reading: { readonly error: unknown } | undefined // what went wrong with the file itself
  const packed = async function* () {
    try {
      yield* stored(entry, begin, fill)
    } catch (error) {
      reading = { error }
      throw error
    }
  }
  let length = 0
  try {
    for await (const piece of inflate(packed)) {
      length += piece.length
      if (length > entry.size) break
      yield piece
    }
  } catch {
    throw reading ? reading.error : wrong('something else')
  }
  if (length !== entry.size) throw wrong(length > entry.size ? 'more' : `${length}`)
}

/** Makes a reader that reads anywhere; for bytes that lie before its position it starts again. */
function forwardReader(pieces: () => AsyncGenerator<Uint8Array, void, undefined>): Reader {
  let running = pieces()
  let piece = new Uint8Array(0)
  let at = 0 // position in the piece
  const next = async (what: string) => {
    at += piece.length
    const { value, done } = await running.next()
    if (done === true) throw new RangeError(`${what} at byte ${at}: expected more, found the end (did it change?)`)
    piece = value as Uint8Array<ArrayBuffer>
  }
  const restart = async () => {
    await running.return()
    running = pieces()
    piece = new Uint8Array(0)
    at = 0
  }
  return {
    async fill(what, position, into) {
      if (position < at) await restart()
      for (let done = 0; done < into.length;) {
        while (position + done >= at + piece.length) await next(what)
        const part = piece.subarray(position + done - at).subarray(0, into.length - done)
        into.set(part, done)
        done += part.length
      }
      return into
    },
    close: async () => void (await running.return()),
  }
}
