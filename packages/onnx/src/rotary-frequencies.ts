import type { Rotary } from '@sublinear/core'
import type { RotaryTables } from './rotary-tables'

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
export function rotaryFrequencies(tables: RotaryTables): Rotary | undefined {
  const { places, pairs, isInterleaved } = tables
  if (places < 4) return undefined
  const entry = (place: number, i: number) => {
    const { from, cos, sin } = tables.rowsAt(place)
    const at = (place - from) * pairs + i
    return { cos: cos[at], sin: sin[at] }
  }
  const angles = (place: number) =>
    Array.from({ length: pairs }, (_, i) => {
      const { cos, sin } = entry(place, i)
      return Math.atan2(sin, cos)
    })
  let frequencies = angles(1)
  for (let place = 2; place < places; place *= 2) {
    const found = angles(place)
    frequencies = frequencies.map((frequency, i) => {
      const turns = Math.round((frequency * place - found[i]) / (2 * Math.PI))
      return (found[i] + 2 * Math.PI * turns) / place
    })
  }
  for (let place = 0; place < places; place += 1 + Math.floor(place / 64))
    for (const [i, frequency] of frequencies.entries()) {
      const { cos, sin } = entry(place, i)
      const most = ROUNDING + OF_ANGLE * place * Math.abs(frequency)
      const isNear = (own: number, truth: number) => Math.abs(own - truth) <= most
      if (!isNear(cos, Math.cos(place * frequency)) || !isNear(sin, Math.sin(place * frequency))) return undefined
    }
  return { frequencies, pairing: isInterleaved ? 'interleaved' : 'halves', width: 2 * pairs }
}
