import { dataOf } from './held-tensor'
import type { Snapshot, State } from './snapshot'
import { dtypes, type Dtype, type TensorData } from './tensor-types'

/** Checks a condition between the tensors of a snapshot and its parameters. @throws RangeError unless it holds */
export function checkFits(kind: string, holds: boolean): asserts holds {
  if (!holds) throw new RangeError(`${kind}: the tensors do not fit the parameters`)
}

interface ArrayOf {
  readonly F32: Float32Array
  readonly F64: Float64Array
  readonly U8: Uint8Array
}
type Wanted = Readonly<Record<string, readonly [type: keyof ArrayOf & Dtype, length?: number | undefined]>>

/**
 * The tensors of a snapshot with the wanted names, types and lengths: in the snapshot's own memory, or a copy of a tensor that the kernels hold.
 *
 * @throws RangeError when a tensor is missing, or has another type or length
 */
export function tensorsIn<const W extends Wanted>(
  kind: string,
  { tensors }: Pick<State, 'tensors'>,
  wanted: W,
): { [N in keyof W]: ArrayOf[W[N][0]] } {
  const found: Record<string, TensorData> = {}
  for (const [name, [type, length]] of Object.entries(wanted)) {
    const tensor = tensors.get(name)
    const data = tensor && dataOf(tensor)
    checkFits(kind, data instanceof dtypes[type].array && (length === undefined || data.length === length))
    found[name] = data
  }
  return found as { [N in keyof W]: ArrayOf[W[N][0]] }
}

/**
 * Reads the parameter `tokens` of a snapshot: how many tokens its stream had been given, at least as many as it holds (`held`).
 *
 * @throws RangeError when it is no integer, or below `held`
 */
export function tokenCount(kind: string, { parameters }: Pick<Snapshot, 'parameters'>, held = 0): number {
  const tokens = Number(parameters['tokens'])
  checkFits(kind, Number.isSafeInteger(tokens) && tokens >= held)
  return tokens
}
