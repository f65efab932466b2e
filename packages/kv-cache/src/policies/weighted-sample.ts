import { philox } from '@sublinear/core'

/** The last word of the Philox counter. */
const STREAM = 0x72730000

/** State of a sample beside its tokens: by slot, the weight of a heavy token, and 0 for a light one, which counts `threshold`. */
export interface SampleState {
  readonly own: number[]
  threshold: number
  /** Tokens offered so far. */
  seen: number
}

export interface WeightedSample {
  /** Offers a token; returns the slot that it takes, or −1 where it does not stay. */
  offer(weight: number): number
  /** The weight that the token of a slot counts with. */
  weight(slot: number): number
}

/**
 * Samples tokens with the least variance: keeps `count` of the tokens offered, each with probability min(1, w / τ), and lets it count max(w, τ).
 * Source: Cohen, Duffield, Kaplan, Lund, Thorup (2011), Algorithm 1. Token i draws one number of 53 bits from Philox at counter i.
 *
 * Cost: O(1) a token where weights are equal; else O(log count), and O(count) to move sorted entries.
 *
 * @param state  the state of the sample, which this function keeps up to date; { own: [], threshold: 0, seen: 0 } at first
 */
export function weightedSample(
  count: number,
  [low, high]: readonly [number, number],
  state: SampleState,
): WeightedSample {
  const { own } = state
  const words = new Uint32Array(4)
  const isBefore = (a: number, b: number) => own[a] < own[b] || (own[a] === own[b] && a < b)
  /** Slots of heavy tokens, the lightest first. */
  const heavy: number[] = []
  for (let slot = 0; slot < own.length; slot++) if (own[slot] > 0) heavy.push(slot)
  heavy.sort((a, b) => (isBefore(a, b) ? -1 : 1))

  const place = (slot: number, weight: number) => {
    own[slot] = weight
    let [from, to] = [0, heavy.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if (isBefore(heavy[middle], slot)) from = middle + 1
      else to = middle
    }
    heavy.splice(from, 0, slot)
  }

  /** The slot of the i-th light token. */
  const lightSlot = (i: number): number => {
    if (heavy.length === 0) return i
    let slot = 0
    for (let before = i; own[slot] > 0 || before-- > 0;) slot++
    return slot
  }

  const offer = (weight: number): number => {
    philox(words, low, high, state.seen >>> 0, Math.floor(state.seen / 2 ** 32), 0, STREAM)
    state.seen++
    if (own.length < count) {
      place(own.length, weight)
      return own.length - 1
    }
    const { threshold } = state
    const light = count - heavy.length
    // The threshold rises until one of the count + 1 tokens has to go: heavy tokens below it become light, the lightest first.
    let isLight = weight <= threshold
    let total = threshold * light + (isLight ? weight : 0)
    let below = light + (isLight ? 1 : 0)
    let sunk = 0
    for (;;) {
      const held = sunk < heavy.length ? own[heavy[sunk]] : Infinity
      const least = isLight ? held : Math.min(held, weight)
      if (least === Infinity || total < (below - 1) * least) break
      if (!isLight && weight === least) isLight = true
      else sunk++
      total += least
      below++
    }
    const raised = total / (below - 1)

    // A token below the threshold goes with probability 1 − w / raised: first the light tokens, then the new one, then those that became light.
    const share = 1 - threshold / raised
    let draw = (words[0] + Math.floor(words[1] / 2 ** 11) / 2 ** 21) / 2 ** 32
    let gone = sunk > 0 ? heavy[sunk - 1] : isLight ? -1 : lightSlot(light - 1) // rounding may leave a little of the draw
    if (draw < light * share) gone = lightSlot(Math.min(light - 1, Math.floor(draw / share)))
    else {
      draw -= light * share
      const ending = [...(isLight ? [-1] : []), ...heavy.slice(0, sunk)]
      const first = ending.find((slot) => (draw -= 1 - (slot < 0 ? weight : own[slot]) / raised) < 0)
      gone = first ?? gone
    }

    for (const slot of heavy.splice(0, sunk)) own[slot] = 0
    state.threshold = raised
    if (gone < 0) return gone
    if (isLight) own[gone] = 0
    else place(gone, weight)
    return gone
  }
  return { offer, weight: (slot) => own[slot] || state.threshold }
}
