import type { Rotary } from '@sublinear/core'
import type { RotaryTables } from './model-layer'

/** Largest distance of a table's entry from what its frequencies give: a rounding to float16, and of its angle to float32, as exporters compute it. */
const ROUNDING = 2e-3
const OF_ANGLE = 2 ** -23

/**
 * Finds the frequencies with which a rotary table was made, so that places may go beyond its end. It doubles places: the angle at place 2p is twice that at p, and
 * is known to more digits.
 *
 * Guarantee: a frequency is known up to the table's rounding divided by its number of places.
 *
 * @returns the frequencies; undefined where none explain the table: it also scales, or has too few places
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
