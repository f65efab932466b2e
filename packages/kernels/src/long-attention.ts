import { isFloat32, isFloat64 } from './brand'
import type { CodedAttention, CodeKernels } from './code-kernels'
import { joinedSums, SEGMENT, type SoftmaxRows } from './joined-sums'
import type { AttentionBlock, Doubles, Floats, Kernels } from './kernels'
import { rangeOf } from './resident'
import { seenBy } from './rounded-query'

/** Parts of a block that are needed to cut it. */
type Long = Pick<AttentionBlock, 'rows' | 'keyCount' | 'causal' | 'max' | 'mass' | 'sum'>

/** Makes attention over any number of keys of a kernel that sums in float32: 4096 keys at a time, counted from the start of the array. */
export function longAttend(attend: Kernels['attend']): Kernels['attend'] {
  return (block) => inSegments(block, attend, cutBlock)
}

/** Makes attention over any number of tokens in codes, in the same way. */
export function longAttendCodes(attend: CodeKernels['attendCodes']): CodeKernels['attendCodes'] {
  return (block) => inSegments(block, attend, cutCodes)
}

function inSegments<B extends Long>(
  block: B,
  attend: (block: B) => void,
  cut: (block: B, from: number, count: number) => Partial<B>,
): void {
  const { rows, keyCount, causal } = block
  if (keyCount <= SEGMENT || rows === 0) return attend(block)
  const seen = seenBy(rows - 1, keyCount, causal)
  attend({ ...block, keyCount: Math.min(seen, SEGMENT) }) // rows that see no further keys get the bits of a call without them
  if (seen <= SEGMENT) return
  const softmax = read(block)
  const joined = joinedSums(softmax)
  for (let from = SEGMENT; from < seen; from += SEGMENT) {
    const count = Math.min(SEGMENT, seen - from)
    attend({
      ...block,
      ...cut(block, from, count),
      keyCount: count,
      ...(causal && { causal: { visible: causal.visible - from, groups: causal.groups } }),
      ...joined.part,
    })
    joined.join()
  }
  joined.end()
  write(block, softmax)
}

function cutBlock({ keys, values, bias, d, dv }: AttentionBlock, from: number, count: number): Partial<AttentionBlock> {
  return {
    keys: rangeOf(keys, from * d, count * d),
    values: rangeOf(values, from * dv, count * dv),
    ...(bias && { bias: rangeOf(bias, from, count) }),
  }
}

function cutCodes({ keys, values, bias }: CodedAttention, from: number, count: number): Partial<CodedAttention> {
  return {
    keys: { ...keys, offset: keys.offset + from * keys.stride },
    values: { ...values, offset: values.offset + from * values.stride },
    ...(bias && { bias: rangeOf(bias, from, count) }),
  }
}

/** Reads the rows' softmaxes: their own arrays, or copies of resident ones. */
function read({ max, mass, sum }: Long): SoftmaxRows {
  return { max: floats(max), mass: isFloat64(mass) ? mass : mass.read(), sum: floats(sum) }
}

function write({ max, mass, sum }: Long, of: SoftmaxRows): void {
  for (const [to, from] of [
    [max, of.max],
    [sum, of.sum],
  ] as const)
    if (!isFloat32(to)) to.write(from)
  if (!isFloat64(mass)) (mass satisfies Doubles).write(of.mass)
}

function floats(of: Floats): Float32Array {
  return isFloat32(of) ? of : of.read()
}
