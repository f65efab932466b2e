import { checkObject, largestWithin, type HeadFeature, type Method, type Shape, type Traffic } from '@sublinear/core'
import { quantised } from '@sublinear/token-store'
import { measured, restoreMeasured } from './measured'
import { reservoirMethod } from './policies/reservoir'
import { bufferAtRate, bufferWithin } from './tier-method'

/** Part of a budget that the held-out tokens take: one byte in so many. */
const SHARE = 4
/** Bits of an entry of theirs: rounding then adds next to nothing to what a sample is unsure of. */
const BITS = 8

export interface MeasuredMethodOptions<O = object> {
  /** Options of the method whose stream answers. */
  readonly of: O
  /** Tokens held out, and how many wait before them. */
  readonly count: number
  readonly buffer: number
  /** Whether they are held in float32, as where scores have a cap; else in 8 bits with a dither. */
  readonly isFloat32: boolean
  readonly seed: number
}

/** A method with measured error bars, and its options for given options of the method within it. */
export interface MeasuredMethod<O> extends Method<MeasuredMethodOptions<O>> {
  /** Options that hold `count` tokens out beside a stream of these options, or all tokens where fewer come. */
  beside(shape: Shape, options: O, count: number, traffic: Traffic): MeasuredMethodOptions<O>
}

/**
 * Gives a method measured error bars: its streams answer, and a sample of the tokens is held out to judge them by, as `measured` does. In a budget the sample
 * takes a quarter of the bytes, in 8 bits an entry, and the method uses the rest best.
 * Source: not from the papers.
 *
 * Guarantee: that of `measured`; bytes are exact where those of the method are. Its name is that of the method with ', measured'.
 * Cost: that of `measured`.
 *
 * @param of  any method, such as one of the catalogue
 * @example
 * const method = measuredMethod(windowMethod)
 * console.log(method.name, method.within({ d: 8, dv: 8, scale: 1 }, 20_000, { tokens: 1000 }).count) // window, measured 108
 */
export function measuredMethod<O = object>(of: Method<O>): MeasuredMethod<O> {
  checkObject('measuredMethod', of?.can, 'can')
  const name = `${of.name}, measured`
  const can: readonly HeadFeature[] = of.can.filter((feature) => reservoirMethod.can.includes(feature))
  const sampleOf = ({ isFloat32, ...sample }: Omit<MeasuredMethodOptions<O>, 'of'>) => ({
    ...sample,
    ...(!isFloat32 && { store: quantised({ keyBits: BITS, valueBits: BITS, dither: sample.seed }) }),
  })
  return {
    name,
    source: of.source,
    learns: of.learns,
    can,
    ...(of.slow && { slow: of.slow }),
    make: (shape, { of: options, ...sample }) =>
      measured({ of: () => of.make(shape, options), ...sampleOf(sample) })(shape),
    bytes: (shape, { of: options, ...sample }, traffic) =>
      of.bytes(shape, options, traffic) + reservoirMethod.bytes(shape, sampleOf(sample), traffic),
    within(shape, budgetBytes, traffic, pilot) {
      const share = Math.floor(budgetBytes / SHARE)
      const buffer = bufferWithin(share, shape)
      const bytesOf = (count: number) =>
        reservoirMethod.bytes(shape, sampleOf(heldOut(shape, count, buffer, traffic)), traffic)
      const count = largestWithin(bytesOf, share, { most: Math.max(1, Math.min(2 ** 31, traffic.tokens)) })
      const options = count === undefined ? undefined : of.within(shape, budgetBytes - bytesOf(count), traffic, pilot)
      return options && { of: options, ...heldOut(shape, count!, buffer, traffic) }
    },
    beside(shape, options, count, traffic) {
      const held = Math.max(1, Math.min(count, traffic.tokens))
      return { of: options, ...heldOut(shape, held, bufferWithin(4 * count * (shape.d + shape.dv), shape), traffic) }
    },
    ...(of.needsQueries && { needsQueries: (options) => of.needsQueries!(options.of) }),
    atRate: (shape, { of: options, count, buffer, ...held }, rate) => ({
      ...held,
      of: of.atRate?.(shape, options, rate) ?? options,
      count: Math.max(1, Math.round(count * rate)),
      buffer: bufferAtRate(buffer, rate),
    }),
    open: (bytes, open) => restoreMeasured(bytes, (own) => of.open(own, open)),
  }
}

/** Options of the tokens held out. */
const heldOut = (shape: Shape, count: number, buffer: number, { place }: Traffic) => ({
  count,
  buffer,
  isFloat32: shape.softcap !== undefined,
  seed: place ? place.layer * place.heads + place.head : 0,
})
