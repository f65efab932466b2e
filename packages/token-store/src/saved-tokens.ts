import {
  checkBlock,
  checkFits,
  checkObject,
  dataOf,
  MOST_WEIGHT,
  type KvBlock,
  type State,
  tokenCount,
  type Tensor,
} from '@sublinear/core'
import { weightOf } from './short-weights'

/** Tokens as the tensors keys and values of a snapshot, and weights where there are any. */
export function savedTokens(block: KvBlock): Record<string, Tensor> {
  checkObject('savedTokens', block?.keys, 'keys')
  const { keys, values, weights } = block
  const { rows } = keys
  return {
    keys: { dtype: 'F32', shape: [rows, keys.cols], data: keys.data },
    values: { dtype: 'F32', shape: [rows, values.cols], data: values.data },
    ...(weights && { weights: { dtype: 'F32' as const, shape: [rows], data: weights } }),
  }
}

/** The widths of tokens, and the most of them. */
interface Room {
  readonly d: number
  readonly dv: number
  readonly most: number
}

/**
 * Reads the tokens of a snapshot, at most `most`.
 *
 * @throws RangeError when they do not fit each other, or push would refuse them
 */
export function tokensIn(kind: string, state: State, room: Room): KvBlock {
  const { tensors, isSound } = checkObject(kind, state, 'state')
  const { d, dv, most } = checkObject(kind, room, 'room')
  const [keys, values, weights] = ['keys', 'values', 'weights'].map((name) => {
    const tensor = tensors.get(name)
    return tensor && dataOf(tensor)
  })
  checkFits(kind, keys instanceof Float32Array && values instanceof Float32Array)
  checkFits(kind, weights === undefined || (weights instanceof Float32Array && weights.length * d === keys.length))
  checkFits(kind, keys.length % d === 0 && keys.length / d <= most && keys.length * dv === values.length * d)
  const rows = keys.length / d
  const held = {
    keys: { rows, cols: d, data: keys },
    values: { rows, cols: dv, data: values },
    ...(weights && { weights }),
  }
  if (!isSound) checkBlock(kind, held, d, dv)
  return held
}

/**
 * Reads the weights of `rows` tokens from a snapshot; undefined where all are 1.
 *
 * @throws RangeError when there are not `rows` weights, or one is out of range
 */
export function weightsIn(kind: string, { tensors, isSound }: State, rows: number): Float32Array | undefined {
  const weights = tensors.get('weights')?.data
  if (weights === undefined) return undefined
  const wide = weights instanceof Uint16Array ? Float32Array.from(weights, weightOf) : weights
  checkFits(kind, wide instanceof Float32Array && wide.length === rows)
  checkFits(kind, isSound || wide.every((w) => w > 0 && w <= MOST_WEIGHT))
  return wide
}

/** Reads the tokens of a snapshot, at most `most`, and how many its stream had been given. @throws RangeError when they do not fit */
export function restoredTokens(
  kind: string,
  snapshot: State,
  room: Room,
): { readonly tokens: number; readonly held: KvBlock } {
  const held = tokensIn(kind, snapshot, room)
  return { tokens: tokenCount(kind, snapshot, held.keys.rows), held }
}
