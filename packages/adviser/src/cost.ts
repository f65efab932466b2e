/** Bytes of a method, and the length from which they are fewer than those of a cache. */
export interface PlanCost {
  readonly bytes: number
  readonly parts: Readonly<Record<string, number>>
  /** Bytes of the keys and values of all tokens. */
  readonly cache: { readonly float32: number; readonly float16: number }
  /** Number of tokens whose cache takes as many bytes. */
  readonly breakEven: { readonly float32: number; readonly float16: number }
}

export const total = (bytes: Readonly<Record<string, number>>): number =>
  Object.values(bytes).reduce((a, b) => a + b, 0)

export function costOf(
  parts: Readonly<Record<string, number>>,
  { tokens, d, dv }: { readonly tokens: number; readonly d: number; readonly dv: number },
): PlanCost {
  const bytes = total(parts)
  const token = d + dv
  return {
    bytes,
    parts,
    cache: { float32: 4 * tokens * token, float16: 2 * tokens * token },
    breakEven: { float32: Math.ceil(bytes / (4 * token)), float16: Math.ceil(bytes / (2 * token)) },
  }
}
