import { dataOf } from './held-tensor'
import type { Snapshot, State } from './snapshot'
import { dtypes, type Dtype, type TensorData } from './tensor-types'

/** @throws RangeError unless the condition holds: the state of a snapshot must be one that its parameters allow */
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
 * The tensors of a snapshot that have these names, types and lengths; the snapshot's own memory, or a copy of what is held elsewhere.
 *
 * @throws RangeError when one is missing or another
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
 * The parameter `tokens` of a snapshot: how many its stream had been given, at least those that it holds.
 *
 * @throws RangeError when it is no such number
 */
export function tokenCount(kind: string, { parameters }: Pick<Snapshot, 'parameters'>, held = 0): number {
  const tokens = Number(parameters['tokens'])
  checkFits(kind, Number.isSafeInteger(tokens) && tokens >= held)
  return tokens
}
