/** Entries of a vector: values[c] at keys[c], no key twice. */
export interface Entries {
  readonly keys: Float64Array
  readonly values: Float64Array
}

/** Picks the entries of largest magnitude, at most `count` and none that is 0, in their old order. */
export function largestOf({ keys, values }: Entries, count: number): Entries {
  const kept = largest(values.map(Math.abs), count)
  return { keys: Float64Array.from(kept, (c) => keys[c]), values: Float64Array.from(kept, (c) => values[c]) }
}

/** Finds the positions of the `count` largest scores above 0, in ascending order; of equal scores, the earlier positions. */
export function largest(scores: Float64Array, count: number): Uint32Array {
  let size = 0
  const room = new Float64Array(scores.length)
  for (let i = 0; i < scores.length; i++) if (scores[i] > 0) room[size++] = scores[i]
  const positive = room.subarray(0, size)
  const found = new Uint32Array(Math.min(count, positive.length))
  if (found.length === 0) return found
  const least = selected(positive, positive.length - found.length)
  let ties = found.length
  for (let i = 0; i < size; i++) if (positive[i] > least) ties--
  let at = 0
  for (let i = 0; i < scores.length && at < found.length; i++) {
    if (scores[i] > least || (scores[i] === least && ties-- > 0)) found[at++] = i
  }
  return found
}

/** The number that would stand at `rank` if x were sorted; x is reordered. Quickselect about the median of three, in linear time. */
function selected(x: Float64Array, rank: number): number {
  let from = 0
  let to = x.length - 1
  while (from < to) {
    const [a, b, c] = [x[from], x[(from + to) >> 1], x[to]]
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
    let i = from
    let j = to
    while (i <= j) {
      while (x[i] < pivot) i++
      while (x[j] > pivot) j--
      if (i > j) break
      const kept = x[i]
      x[i++] = x[j]
      x[j--] = kept
    }
    if (rank <= j) to = j
    else if (rank >= i) from = i
    else return x[rank]
  }
  return x[rank]
}
