/** Number of pre-tokens that are remembered with their ids: each has one place, which the next pre-token with the same place takes. */
const PLACES = 4096
/** Longest pre-token that is remembered: longer ones are seldom seen twice. */
const LONGEST = 32

/**
 * Writes the ids of the pre-token bytes[from … to − 1] to `out` from `at` on, and returns where they end. Pre-tokens seen lately are looked up in arrays of a
 * fixed size: a map would grow with the text and make the engine enlarge its heap.
 */
export type WriteIds = (out: Uint16Array, at: number, bytes: Uint8Array, from: number, to: number) => number

/**
 * Makes such a function.
 *
 * @param merged  computes the ids of a pre-token that is not remembered; no more than it has bytes
 */
export function preTokenIds(merged: (preToken: Uint8Array) => ArrayLike<number>): WriteIds {
  const known = new Uint8Array(PLACES * LONGEST)
  const lengths = new Uint8Array(PLACES) // 0 marks a free place
  const ids = new Uint16Array(PLACES * LONGEST)
  const counts = new Uint8Array(PLACES)

  const isAt = (place: number, bytes: Uint8Array, from: number, to: number) => {
    if (lengths[place] !== to - from) return false
    for (let i = from, k = place * LONGEST; i < to; i++, k++) if (bytes[i] !== known[k]) return false
    return true
  }

  return (out, at, bytes, from, to) => {
    if (to - from > LONGEST) {
      const own = merged(bytes.subarray(from, to))
      out.set(own, at)
      return at + own.length
    }
    const place = hash(bytes, from, to) % PLACES
    const first = place * LONGEST
    if (!isAt(place, bytes, from, to)) {
      const preToken = bytes.subarray(from, to)
      const own = merged(preToken)
      known.set(preToken, first)
      lengths[place] = preToken.length
      ids.set(own, first)
      counts[place] = own.length
    }
    const end = at + counts[place]
    for (let i = at, k = first; i < end; i++, k++) out[i] = ids[k]
    return end
  }
}

/** Computes the hash FNV-1a (Fowler, Noll and Vo), with its high half folded into the low one. */
function hash(bytes: Uint8Array, from: number, to: number): number {
  let h = 0x811c9dc5
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i], 0x01000193)
  return (h ^ (h >>> 16)) >>> 0
}
