import { readBy, schema } from '@sublinear/core'
import type { Key } from '@sublinear/hash-families'
import { measurements } from './measurements'
import { keyFields, keysIn } from './saved-keys'

export const KIND = 'heavy-hitters'
export const VERSION = '2'
/** Number of changes that are hashed together. */
export const HELD = 64
/** Largest change: the sum of 2^53 of them stays within float64. */
export const LARGEST_CHANGE = 2 ** 900
/** Largest total: more than 2^53 changes reach, and so far below the end of float64 that answers stay finite. */
export const LARGEST_TOTAL = 2 ** 1000

export interface Contents {
  readonly state: Float64Array // m
  readonly indices: Float64Array // indices of the changes not yet in the state
  readonly changes: Float64Array
  /** Remembered keys, in order. */
  readonly keys: readonly { readonly index: number; readonly key: Key; readonly size: number }[]
  /** Keys of changes not yet in the state. */
  readonly pending: readonly (readonly [number, Key])[]
}

const index = { whole: true, least: 0, most: 2 ** 32 - 1 } as const
const size = { whole: true, least: 1, most: 2 ** 32 } as const

/** Schema of the snapshots of heavy hitters. */
export const heavyHittersSchema = schema(
  {
    kind: KIND,
    version: VERSION,
    parameters: {
      n: size,
      k: size,
      epsilon: { least: 0 },
      seed: 'seed',
      keyBytes: { whole: true, least: 0, most: 2 ** 16 },
    },
    tensors: {
      state: { type: 'F64', least: -LARGEST_TOTAL, most: LARGEST_TOTAL },
      'held-indices': { type: 'F64', ...index },
      'held-changes': { type: 'F64', like: 'held-indices', least: -LARGEST_CHANGE, most: LARGEST_CHANGE },
      ...keyFields,
      'key-indices': { type: 'F64', like: 'key-lengths', optional: true, ...index },
      'key-sizes': { type: 'F64', optional: true, least: 0, most: LARGEST_TOTAL },
    },
  },
  {
    'Fewer than 64 changes are held.': ({ tensors }) => tensors['held-indices'].length < HELD,
    'Indices are below `n`.': ({ parameters, tensors }) =>
      tensors['held-indices'].every((at) => at < parameters.n) &&
      tensors['key-indices'].every((at) => at < parameters.n),
    'Every key has an index. At most 4 · `k` keys have a size, and come first; each other is of a change that is held.':
      ({ parameters, tensors }) => {
        const [keys, sizes] = [tensors['key-lengths'].length, tensors['key-sizes'].length]
        if (tensors['key-indices'].length !== keys) return false
        return sizes <= Math.min(keys, 4 * parameters.k) && keys - sizes <= tensors['held-indices'].length
      },
  },
)

/**
 * Reads a snapshot of heavy hitters.
 *
 * @throws RangeError when the bytes are damaged, of another kind, or when the tensors do not fit each other
 */
export function readHeavyHitters(bytes: Uint8Array) {
  const who = 'restoreHeavyHitters'
  const { parameters, tensors } = readBy(who, heavyHittersSchema, bytes)
  const { matrix } = measurements(who, parameters, parameters.seed) // throws where they are out of range; makes no state
  const {
    state,
    'held-indices': indices,
    'held-changes': changes,
    'key-indices': keyIndices,
    'key-sizes': keySizes,
  } = tensors
  if (state.length !== matrix.m)
    throw new RangeError(
      `${who}: the tensors do not fit the parameters: state has ${state.length} of ${matrix.m} entries`,
    )
  const keys = keysIn(who, tensors, parameters.keyBytes)
  const contents: Contents = {
    state,
    indices,
    changes,
    keys: Array.from(keySizes, (size, c) => ({ index: keyIndices[c], key: keys[c], size })),
    pending: keys.slice(keySizes.length).map((key, c) => [keyIndices[keySizes.length + c], key] as const),
  }
  return { options: parameters, contents }
}
