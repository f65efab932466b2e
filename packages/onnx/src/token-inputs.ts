import type { Tensor } from 'onnxruntime-common'
import { BOOL, FLOAT, FLOAT16, INT32, INT64, type OnnxValue } from './graph'
import type { Ort } from './ort'

/** Tokens that come, and the number of tokens before them. */
export interface Step {
  readonly ids: ArrayLike<number>
  readonly before: number
  /** Id of the token before the first of them; −1 where there is none. */
  readonly previous: number
}

type Maker = (step: Step) => { readonly values: readonly number[]; readonly dims: readonly number[] }

const rowOf = (values: readonly number[]) => ({ values, dims: [1, values.length] })
const scalar = (value: number) => ({ values: [value], dims: [] })

/** Makers of the inputs that a text decoder has beside its cache. */
const MAKERS: Readonly<Record<string, Maker>> = {
  input_ids: ({ ids }) => rowOf(Array.from(ids)),
  /** the token before each one; the small models of this repository read them */
  previous_ids: ({ ids, previous }) => rowOf([previous, ...Array.from(ids).slice(0, -1)]),
  attention_mask: ({ ids, before }) => rowOf(Array.from({ length: before + ids.length }, () => 1)),
  position_ids: ({ ids, before }) => rowOf(Array.from(ids, (_, i) => before + i)),
  num_logits_to_keep: () => scalar(0),
  logits_to_keep: () => scalar(0),
  use_cache_branch: () => ({ values: [1], dims: [1] }),
}

/** Whether a graph's input is one that is made from the tokens. */
export const isTokenInput = (name: string): boolean => Object.hasOwn(MAKERS, name)

/** Makes the tensors of some of a graph's inputs. */
export function tokenInputs({ Tensor: Made }: Ort, inputs: readonly OnnxValue[], step: Step): Record<string, Tensor> {
  const made: Record<string, Tensor> = {}
  for (const { name, type, dims: declared } of inputs) {
    const { values, dims } = MAKERS[name](step)
    const own = declared && declared.length !== dims.length ? fitted(name, dims, declared.length) : dims
    if (type === INT64) made[name] = new Made('int64', BigInt64Array.from(values, BigInt), own)
    else if (type === INT32) made[name] = new Made('int32', Int32Array.from(values), own)
    else if (type === FLOAT) made[name] = new Made('float32', Float32Array.from(values), own)
    else if (type === BOOL) made[name] = new Made('bool', Uint8Array.from(values), own)
    else
      throw new RangeError(
        `onnx: the input ${name} must be of integers, got ${type === FLOAT16 ? 'float16' : `type ${type}`}`,
      )
  }
  return made
}

function fitted(name: string, dims: readonly number[], rank: number): readonly number[] {
  if (dims.length === 0 && rank === 1) return [1]
  if (dims.length === 1 && rank === 0) return []
  throw new RangeError(`onnx: the input ${name} must have ${dims.length} dimensions, got ${rank}`)
}
