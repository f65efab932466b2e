/** The streams of a share, as snapshots. */
export interface Share {
  readonly queryHeads: number
  readonly streams: readonly Uint8Array[]
}

/** Packs a share into bytes: the numbers of query heads and of streams, the length of each stream, and the streams. */
export function packed({ queryHeads, streams }: Share): Uint8Array {
  const head = 8 + 4 * streams.length
  const out = new Uint8Array(streams.reduce((total, { length }) => total + length, head))
  const view = new DataView(out.buffer)
  view.setUint32(0, queryHeads, true)
  view.setUint32(4, streams.length, true)
  let at = head
  for (const [i, bytes] of streams.entries()) {
    view.setUint32(8 + 4 * i, bytes.length, true)
    out.set(bytes, at)
    at += bytes.length
  }
  return out
}

/** Unpacks a share from these bytes; copies. */
export function unpacked(bytes: Uint8Array): Share {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const count = view.getUint32(4, true)
  let at = 8 + 4 * count
  const streams = Array.from({ length: count }, (_, i) => {
    const from = at
    at += view.getUint32(8 + 4 * i, true)
    return bytes.slice(from, at)
  })
  return { queryHeads: view.getUint32(0, true), streams }
}
