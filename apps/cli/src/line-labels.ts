/** Label at the end of a line. */
export interface LineLabel {
  readonly text: string
  readonly x: number
  readonly y: number
}

/**
 * Moves labels up or down, as little as keeps them apart, on a logarithmic axis of this domain.
 *
 * @param gap  smallest distance between two labels, as a share of the axis
 */
export function spreadLabels<T extends LineLabel>(
  labels: readonly T[],
  [low, high]: readonly [number, number],
  gap: number,
): T[] {
  const span = Math.log(high / low)
  const sorted = labels.map((label) => ({ label, at: Math.log(label.y / low) / span })).toSorted((a, b) => a.at - b.at)
  for (const [i, one] of sorted.entries()) if (i > 0) one.at = Math.max(one.at, sorted[i - 1].at + gap)
  const over = Math.max(0, (sorted.at(-1)?.at ?? 0) - 1)
  let ceiling = Infinity
  for (const one of sorted.toReversed()) {
    one.at = Math.min(over > 0 ? Math.min(one.at, 1) : one.at, ceiling - gap)
    ceiling = one.at
  }
  return sorted.map(({ label, at }) => ({ ...label, y: low * Math.exp(at * span) }))
}
