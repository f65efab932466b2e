import { checkFinite, checkInteger, checkObject, checkScale } from './check'
import type { Shape } from './contracts'
import { HEAD_FEATURES, type HeadFeature, type Positions, type Rotary } from './head'
import { nearest } from './nearest'

const SIZES = ['d', 'dv', 'scale']
/** The largest softcap or slope: with it and places below 2^53, every score stays within float64. */
const LARGEST_LOGIT = 2 ** 60
const LARGEST_SLOPE = 2 ** 20

/**
 * Refuses options that do not exist: a misspelt option would be ignored in silence.
 *
 * @throws TypeError when `given` is no object, or has a key that is not in `known`; the message names the nearest known key
 */
export function checkOptions(who: string, given: object, known: readonly string[]): void {
  checkObject(who, given)
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    throw new TypeError(`${who}: there is no option ${JSON.stringify(name)}, did you mean ${nearest(name, known)}?`)
  }
}

/**
 * Checks sizes, scale and features of a shape, and that it has no other fields than these and `options`.
 *
 * @param can  features that the stream computes; other features are refused by name
 * @throws TypeError, RangeError when a field has a wrong type, is out of range, or is a feature that the stream cannot compute
 */
export function checkHead(
  who: string,
  shape: Shape,
  can: readonly HeadFeature[],
  options: readonly string[] = [],
): void {
  checkOptions(who, shape, [...SIZES, ...HEAD_FEATURES, ...options])
  const { d, dv, scale, softcap, sinkLogit, slope, window, rotary, positions, values } = shape
  checkInteger(who, 'd', d, 1)
  checkInteger(who, 'dv', dv, 1)
  checkScale(who, scale)
  for (const name of HEAD_FEATURES) {
    if (shape[name] !== undefined && !can.includes(name))
      throw new RangeError(`${who}: cannot do ${name}, only ${can.length > 0 ? can.join(', ') : 'plain softmax'}`)
  }
  if (softcap !== undefined) {
    checkFinite(who, 'softcap', softcap, 0)
    if (softcap > LARGEST_LOGIT) throw new RangeError(`${who}: softcap must be at most 2^60, got ${softcap}`)
  }
  checkRows(who, 'sinkLogit', sinkLogit, -LARGEST_LOGIT, LARGEST_LOGIT)
  checkRows(who, 'slope', slope, 0, LARGEST_SLOPE)
  if (Array.isArray(sinkLogit) && Array.isArray(slope) && sinkLogit.length !== slope.length)
    throw new RangeError(`${who}: sinkLogit and slope must be as long, got ${sinkLogit.length} and ${slope.length}`)
  if (window !== undefined) checkInteger(who, 'window', window, 1)
  if (rotary !== undefined) checkRotary(who, rotary, d)
  if (positions !== undefined) checkPositions(who, positions, rotary)
  if (values === undefined) return
  if (values !== 'in keys') throw new RangeError(`${who}: values must be 'in keys' or absent, got ${String(values)}`)
  if (dv > d) throw new RangeError(`${who}: values in keys must be at most d = ${d} columns, got dv = ${dv}`)
  if (rotary && (rotary.first ?? 0) < dv)
    throw new RangeError(`${who}: values in keys must not turn: rotary.first must be at least dv = ${dv}`)
}

function checkRows(who: string, name: string, value: unknown, least: number, most: number): void {
  if (value === undefined) return
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (all.length === 0) throw new RangeError(`${who}: ${name} must be a number or a list of some, got an empty list`)
  for (const one of all) {
    checkFinite(who, name, one)
    if (one < least || one > most) throw new RangeError(`${who}: ${name} must be from ${least} to ${most}, got ${one}`)
  }
}

function checkRotary(who: string, rotary: Rotary, d: number): void {
  checkOptions(`${who}: rotary`, rotary, ['base', 'frequencies', 'pairing', 'width', 'first', 'scaling'])
  const { base, frequencies, pairing, first = 0, width = d - first, scaling } = rotary
  checkInteger(who, 'rotary.first', first, 0, d - 1)
  checkInteger(who, 'rotary.width', width, 2, d - first)
  if (width % 2 !== 0) throw new RangeError(`${who}: rotary.width must be even, got ${width}`)
  if (pairing !== 'halves' && pairing !== 'interleaved')
    throw new RangeError(`${who}: rotary.pairing must be 'halves' or 'interleaved', got ${String(pairing)}`)
  if ((base === undefined) === (frequencies === undefined))
    throw new TypeError(`${who}: rotary must have base or frequencies, and not both`)
  if (base !== undefined) checkFinite(who, 'rotary.base', base, 0)
  for (const [name, table] of Object.entries({ frequencies, scaling })) {
    if (table === undefined) continue
    if (!Array.isArray(table) || table.length !== width / 2)
      throw new RangeError(`${who}: rotary.${name} must be a list of width / 2 = ${width / 2} numbers`)
    for (const one of table as readonly unknown[]) checkFinite(who, `rotary.${name}`, one)
  }
}

function checkPositions(who: string, positions: Positions, rotary: Rotary | undefined): void {
  if (!rotary) throw new RangeError(`${who}: positions need rotary: without it keys arrive turned`)
  if (positions === 'text' || positions === 'cache') return
  if (Object(positions) !== positions)
    throw new RangeError(`${who}: positions must be 'text', 'cache' or { clamp }, got ${String(positions)}`)
  checkOptions(`${who}: positions`, positions, ['clamp'])
  checkInteger(who, 'positions.clamp', positions.clamp, 0)
}
