import { scoresOf, type AttentionStream, type Shape, type Tier } from '@sublinear/core'

/** Tells whether a part hands on what it forgets. */
export const isTier = (part: AttentionStream): part is Tier => typeof (part as Partial<Tier>).admit === 'function'

/** Checks that all parts but the last are tiers, that all have one shape, and that no two are one object. */
export function checkParts(name: string, parts: readonly AttentionStream[], shape: Shape): void {
  if (new Set(parts).size < parts.length) throw new RangeError(`${name}: every part must be a stream of its own`)
  for (const [i, part] of parts.entries()) {
    if (i < parts.length - 1 && !isTier(part))
      throw new TypeError(
        `${name}: part ${i} must be a tier, which hands on what it forgets; only the last may be any stream`,
      )
    for (const side of ['d', 'dv', 'scale'] as const)
      if (part[side] !== shape[side])
        throw new RangeError(`${name}: part ${i} must have ${side} = ${shape[side]}, got ${part[side]}`)
    const [wanted, found] = [scoresOf(shape), part.head ?? {}].map((head) => JSON.stringify(head))
    if (found !== wanted) throw new RangeError(`${name}: part ${i} must compute ${wanted}, got ${found}`)
  }
}
