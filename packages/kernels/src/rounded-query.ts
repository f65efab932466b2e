/** The largest integer that a query is rounded to: its product with any row of `d` codes stays below 2^31. */
export function mostOfQuery(bits: number, d: number): number {
  return Math.min(32767, Math.floor((2 ** 31 - 1) / (2 ** (bits - 1) * d)))
}

/** Number of entries that are read together: rounded queries are padded with zeros to a multiple of it. */
export const QUERY_GROUP = 32

/** How many of `keyCount` keys row r sees. */
export function seenBy(
  r: number,
  keyCount: number,
  causal: { readonly visible: number; readonly groups: number } | undefined,
): number {
  return causal ? Math.max(0, Math.min(keyCount, causal.visible + Math.floor(r / causal.groups))) : keyCount
}
