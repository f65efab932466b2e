import type { Rotary } from '@sublinear/core'
import type { RotaryTables } from './model-layer'

/** How far a table's entry may be from what its frequencies say: a rounding to float16, and of its angle to float32, as exporters compute it. */
const ROUNDING = 2e-3
const OF_ANGLE = 2 ** -23

/**
 * The frequencies that a rotary table was made with, so that places may go beyond its end.
 *
 * Guarantee: a frequency is known to the table's rounding divided by its places. Found by doubling: the angle at place 2p is that at p twice, to more digits.
 *
 * @returns undefined where none explain the table: where it stretches (a factor beside the angle), or has too few places to tell
 */
export function rotaryFrequencies({ cos, sin, places, pairs, isInterleaved }: RotaryTables): Rotary | undefined {
  if (places < 4) return undefined
  const frequencies = Array.from({ length: pairs }, (_, i) => {
    const angle = (place: number) => Math.atan2(sin[place * pairs + i], cos[place * pairs + i])
    let frequency = angle(1)
    for (let place = 2; place < places; place *= 2) {
      const turns = Math.round((frequency * place - angle(place)) / (2 * Math.PI))
      frequency = (angle(place) + 2 * Math.PI * turns) / place
    }
    return frequency
  })
  for (let place = 0; place < places; place += 1 + Math.floor(place / 64))
    for (const [i, frequency] of frequencies.entries()) {
      const at = place * pairs + i
      const most = ROUNDING + OF_ANGLE * place * Math.abs(frequency)
      const isNear = (entry: number, truth: number) => Math.abs(entry - truth) <= most
      if (!isNear(cos[at], Math.cos(place * frequency)) || !isNear(sin[at], Math.sin(place * frequency)))
        return undefined
    }
  return { frequencies, pairing: isInterleaved ? 'interleaved' : 'halves', width: 2 * pairs }
}
