import { checkBlock, type KvBlock, type Snapshot, type Tensor } from '@sublinear/core'

/** Tokens as the tensors keys, values and weights of a snapshot. */
export function savedTokens({ keys, values, weights }: KvBlock): Record<string, Tensor> {
  const { rows } = keys
  return {
    keys: { dtype: 'F32', shape: [rows, keys.cols], data: keys.data },
    values: { dtype: 'F32', shape: [rows, values.cols], data: values.data },
    weights: { dtype: 'F32', shape: [rows], data: weights ?? new Float32Array(rows).fill(1) },
  }
}

/**
 * The tokens that a snapshot holds, at most `most`, and the parameter `tokens`: how many its stream had been given.
 *
 * @throws RangeError when they do not fit each other, or push would refuse them
 */
export function restoredTokens(
  kind: string,
  { parameters, tensors }: Snapshot,
  { d, dv, most }: { readonly d: number; readonly dv: number; readonly most: number },
): { readonly tokens: number; readonly held: KvBlock } {
  const [keys, values, weights] = ['keys', 'values', 'weights'].map((name) => tensors.get(name)?.data)
  const tokens = Number(parameters['tokens'])
  const fits =
    keys instanceof Float32Array &&
    values instanceof Float32Array &&
    weights instanceof Float32Array &&
    weights.length <= most &&
    keys.length === weights.length * d &&
    values.length === weights.length * dv &&
    Number.isSafeInteger(tokens) &&
    tokens >= weights.length
  if (!fits) throw new RangeError(`${kind}: the tensors of the snapshot do not fit its parameters`)
  const rows = weights.length
  const held = { keys: { rows, cols: d, data: keys }, values: { rows, cols: dv, data: values }, weights }
  checkBlock(kind, held, d, dv)
  return { tokens, held }
}
