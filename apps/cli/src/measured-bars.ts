import { policies } from '@sublinear/attention'
import type { Method } from '@sublinear/core'
import { sizing, type SizeFlags, type Sizing } from './sizing'

/** Tokens held out where no budget is given: so many are judged by well, and more only narrow the bars. */
const HELD_OUT = 256
/** Methods whose own bars are about all tokens: an exact cache, a sample, and `auto` when it is made with them. Others forget tokens or sum them up. */
const OWN_BARS = ['exact', 'reservoir', 'auto']

/** Whether the bars of a method are measured by held-out tokens, as it has none of its own that are about all tokens. */
const isMeasured = ({ name }: Method) => !OWN_BARS.includes(name)

/** The method with error bars: its own, or measured ones, whose held-out tokens take a part of its budget. An auto stream is made either with error bars or without. */
export function withBars(method: Method): Method {
  if (isMeasured(method)) return measured(method)
  if (method.name !== 'auto') return method
  return { ...method, make: (shape, options) => method.make(shape, { ...(options as object), errorBars: 0 }) }
}

/** The size of a method with error bars: within --hold or --budget, with a share of it held out; else the usual size, and held-out tokens beside it. */
export function sizingWithBars(method: Method, flags: SizeFlags): Sizing {
  if (!isMeasured(method)) return sizing(method, flags)
  return flags.hold !== undefined || flags.budget !== undefined
    ? sizing(withBars(method), flags)
    : beside(method, sizing(method, flags))
}

/**
 * A recipe with error bars: those of an exact cache or a sample, or measured ones, with held-out tokens beside what the recipe holds. The stack of a recipe of `auto`
 * may forget tokens, of which bars of its own would know nothing.
 */
export function recipeWithBars(method: Method, sizeOf: Sizing): { readonly method: Method; readonly sizeOf: Sizing } {
  if (!isMeasured(method) && method.name !== 'auto') return { method, sizeOf }
  return { method: measured(method), sizeOf: beside(method, sizeOf) }
}

const measured = (method: Method) => policies.measuredMethod(method) as unknown as Method

/** Sizes of a method with held-out tokens beside the streams of those sizes. */
function beside(method: Method, sizeOf: Sizing): Sizing {
  const own = policies.measuredMethod(method)
  return (shape, traffic, pilot) => {
    const { options, details } = sizeOf(shape, traffic, pilot)
    return { options: own.beside(shape, options, HELD_OUT, traffic), details }
  }
}
