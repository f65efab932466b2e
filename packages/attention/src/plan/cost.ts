import { total } from './candidates'

/** What a summary holds, and from which length on that is less than a cache. */
export interface PlanCost {
  readonly bytes: number
  readonly parts: Readonly<Record<string, number>>
  /** Keys and values of all n tokens. */
  readonly cache: { readonly float32: number; readonly float16: number }
  /** Tokens whose cache takes as many bytes. */
  readonly breakEven: { readonly float32: number; readonly float16: number }
}

export function costOf(parts: Readonly<Record<string, number>>, n: number, d: number, dv: number): PlanCost {
  const bytes = total(parts)
  const token = d + dv
  return {
    bytes,
    parts,
    cache: { float32: 4 * n * token, float16: 2 * n * token },
    breakEven: { float32: Math.ceil(bytes / (4 * token)), float16: Math.ceil(bytes / (2 * token)) },
  }
}
