import { Readable } from 'node:stream'
import { createInflateRaw } from 'node:zlib'

/** Inflates with Node's zlib, 64 KiB at a time. It stops asking when nobody reads. */
export async function* nodeInflate(
  packed: () => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let given = 0
  const counted = async function* () {
    for await (const piece of packed()) {
      given += piece.length
      yield piece
    }
  }
  const source = Readable.from(counted())
  const stream = source.pipe(createInflateRaw({ chunkSize: 65_536 }))
  source.on('error', (error) => stream.destroy(error))
  try {
    for await (const piece of stream) yield piece as Uint8Array
    if (stream.bytesWritten < given) throw new RangeError(`${given - stream.bytesWritten} bytes behind its end`)
  } finally {
    source.destroy()
    stream.destroy()
  }
}
