/** Number of steps for each doubling. */
const STEPS = 16
/** Largest place of a step: for keys and values of any size. */
export const MOST_STEP = 3200

/** The step 2^(place/16) of a logarithmic scale, by square roots alone: the same bits on every engine. */
export function stepOf(place: number): number {
  const root = Math.sqrt(2)
  const part = place & (STEPS - 1)
  const fourth = Math.sqrt(root)
  const eighth = Math.sqrt(fourth)
  const half =
    (part & 8 ? root : 1) * (part & 4 ? fourth : 1) * (part & 2 ? eighth : 1) * (part & 1 ? Math.sqrt(eighth) : 1)
  return 2 ** Math.floor(place / STEPS) * half
}

/** The smallest place whose step is at least `size` > 0. */
export function placeOf(size: number): number {
  let [low, high] = [-MOST_STEP, MOST_STEP]
  while (low < high) {
    const middle = (low + high) >> 1
    if (stepOf(middle) >= size) high = middle
    else low = middle + 1
  }
  return low
}
