import type { Halving } from './halving'
import { softmaxBalance, type SoftmaxBalanceOptions } from './softmax-balance'
import { uniformHalving } from './uniform-halving'

/**
 * Makes a halving from its spec.
 *
 * @throws RangeError when the spec is not one of this package
 */
export function restoreHalving(spec: string): Halving {
  const { kind, seed, ...options } = parsed(spec)
  if (typeof seed !== 'string' || !/^\d{1,20}$/.test(seed)) throw unknown(spec)
  if (kind === 'uniform') return uniformHalving({ seed: BigInt(seed) })
  if (kind !== 'softmax-balance') throw unknown(spec)
  return softmaxBalance({ ...options, seed: BigInt(seed) } as SoftmaxBalanceOptions)
}

function parsed(spec: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(spec)
    if (typeof spec === 'string' && typeof found === 'object' && found) return found as Record<string, unknown>
  } catch {
    // reported below
  }
  throw unknown(spec)
}

function unknown(spec: string): RangeError {
  return new RangeError(
    `restoreHalving: spec must be of softmaxBalance or uniformHalving, got ${String(spec).slice(0, 60)}`,
  )
}
