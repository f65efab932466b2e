import { checkFinite, checkFits, COUNT, readBy, schema, type State, type Tensor } from '@sublinear/core'

/** Tells when held tokens came, and how much of their scores still counts. */
export interface Fading {
  bytes(): number
  /** The places of the held tokens, modulo 2^32, by slot. */
  places(): Uint32Array
  /** Notes that the tokens of places `place`, `place` + 1 … are in slots `slot`, `slot` + 1 …; `rows` of them (default 1). */
  came(slot: number, place: number, rows?: number): void
  /**
   * Fades scores, by slot and in place. At place `now`, the score of a token that came k·`halvedAfter` tokens before counts for 1 / (1 + k); the score of a token
   * that came later than `now` counts in full. `seen` tokens have come, at least `now`.
   */
  fade(scores: Float64Array, now: number, seen: number): void
  saved(): Record<string, Tensor>
}

/** Checks an age in tokens: a number above 0, or Infinity, for scores that never fade. @throws TypeError, RangeError when it is none */
export function checkAge(who: string, halvedAfter: number): void {
  if (halvedAfter !== Infinity) checkFinite(who, 'halvedAfter', halvedAfter, 0)
}

/** Schema of the age at which a score counts for half, in tokens. */
export const ageSchema = schema({
  parameters: { halvedAfter: { least: Number.MIN_VALUE, most: Number.MAX_VALUE, absent: Infinity } },
})

/** Schema of the places of held tokens; present where scores fade. */
export const placesSchema = schema({ tensors: { places: { type: 'U32', size: 'held', optional: true, ...COUNT } } })

/**
 * Makes scores count for less with age. It uses divisions alone, since powers do not have the same bits on every engine.
 *
 * Guarantee: ages are right up to 2^32 tokens.
 * Cost: 4 bytes a token held.
 *
 * @param count  slots; halvedAfter  in tokens
 * @throws RangeError when the places in a snapshot are not as many as the tokens held
 */
export function fading(
  kind: string,
  { count, halvedAfter }: { readonly count: number; readonly halvedAfter: number },
  from?: { readonly snapshot: State; readonly held: number },
  like?: Fading,
): Fading {
  const places = new Uint32Array(count) // modulo 2^32
  let held = 0
  if (like) {
    places.set(like.places())
    held = like.places().length
  } else if (from) {
    held = from.held
    const saved = readBy(kind, placesSchema, from.snapshot, { held }).tensors.places
    checkFits(kind, saved.length === held)
    places.set(saved)
  }
  return {
    bytes: () => 4 * held,
    places: () => places.subarray(0, held),
    came(slot, place, rows = 1) {
      for (let i = 0; i < rows; i++) places[slot + i] = place + i
      held = Math.max(held, slot + rows)
    },
    fade(scores, now, seen) {
      for (let slot = 0; slot < held; slot++) {
        const ago = (seen - places[slot]) >>> 0 // modulo 2^32 too
        scores[slot] /= 1 + Math.max(0, ago - (seen - now)) / halvedAfter
      }
    },
    saved: () => ({ places: { dtype: 'U32', shape: [held], data: places.subarray(0, held) } }),
  }
}
