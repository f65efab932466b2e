import { catalogue } from '@sublinear/attention'
import { largestWithin, type Method, type Shape, type TierMethod, type Traffic } from '@sublinear/core'
import { bufferWithin, quantisedMethod, restoreTiers, sinksMethod, tiers, windowMethod } from '@sublinear/kv-cache'
import { waitingBytes } from '@sublinear/token-store'
import { droppingMethods } from './dropping.ts'
import { learningMethod } from './learning.ts'

/** The second paper keeps the first and the last tokens beside a coreset or a sample; so it is here. */
const ENDS = [
  [sinksMethod as TierMethod, { count: 4 }],
  [windowMethod as TierMethod, { count: 32 }],
] as const
const BESIDE_ENDS = new Set(['reservoir', 'clusters', 'balanceKv'])
/** Tokens that wait for their codes: fewer, since each takes the room of many that are coded. */
const QUANTISED_BUFFER = 16

/** Every token, in as many bits as fit, keys up to two more than values. */
const inFewBits: typeof quantisedMethod = {
  ...quantisedMethod,
  within(shape, budgetBytes, traffic) {
    for (let sum = 16; sum >= 4; sum--)
      for (const ahead of [2, 1, 0]) {
        const options = { keyBits: (sum + ahead) / 2, valueBits: (sum - ahead) / 2, buffer: QUANTISED_BUFFER }
        if (!Number.isInteger(options.keyBits) || options.keyBits > 8 || options.valueBits < 2) continue
        if (quantisedMethod.bytes(shape, options, traffic) <= budgetBytes) return options
      }
    return undefined
  },
}

/** The catalogue, but for the ends and for what quantised lets wait; then what is asked of dropping tokens, and a stream that chooses by itself. */
export const methods: readonly Method[] = [...catalogue.map(asHere), ...droppingMethods, learningMethod]

function asHere(method: Method): Method {
  if (method.name === inFewBits.name) return inFewBits as Method
  return BESIDE_ENDS.has(method.name) ? besideEnds(method) : method
}

export function methodNamed(name: string): Method {
  const found = methods.find((method) => method.name === name)
  if (!found) throw new RangeError(`evidence: no method is called ${name}`)
  return found
}

export const tokenBytes = ({ d, dv }: Pick<Shape, 'd' | 'dv'>) => 4 * (d + dv)

const endBytes = (shape: Shape, traffic: Traffic, buffer: number) =>
  ENDS.reduce((sum, [end, options]) => sum + end.tierBytes(shape, options, traffic, buffer), 0) +
  waitingBytes(shape, buffer, traffic.weighted ?? false)

/** A method behind sinks and a window, in the bytes that these leave. */
function besideEnds(method: Method): Method {
  type Options = { readonly own: object; readonly buffer: number }
  const ownBytes = (shape: Shape, options: object, traffic: Traffic, buffer: number) =>
    'tierBytes' in method
      ? (method as TierMethod).tierBytes(shape, options, traffic, buffer)
      : method.bytes(shape, options, traffic)
  const { name, source, learns } = method
  const beside: Method<Options> = {
    name,
    source,
    learns,
    can: [],
    open: (bytes, open) => restoreTiers(bytes, open),
    make: (shape, { own, buffer }) =>
      tiers({
        ...shape,
        parts: [...ENDS.map(([end, options]) => end.tier(options)), (given: Shape) => method.make(given, own)] as never,
        buffer,
      }),
    bytes: (shape, { own, buffer }, traffic) =>
      endBytes(shape, traffic, buffer) + ownBytes(shape, own, traffic, buffer),
    within(shape, budgetBytes, traffic) {
      const buffer = bufferWithin(budgetBytes, shape)
      const room = budgetBytes - endBytes(shape, traffic, buffer)
      const own = method.within(shape, room, traffic)
      if (!own || !('tierBytes' in method)) return own && { own, buffer }
      // Here it waits in front of all parts, so that it holds more by itself.
      const count = largestWithin((count) => ownBytes(shape, { ...own, count }, traffic, buffer), room)
      return count === undefined ? undefined : { own: { ...own, count }, buffer }
    },
  }
  return beside as Method
}
