import type { CodedAttention, CodeKernels } from './code-kernels'
import { joinedSums, SEGMENT } from './joined-sums'
import type { AttentionBlock, AttentionKernels } from './attention-kernels'
import { rangeOf } from './resident'
import { seenBy } from './rounded-query'
import { putSoftmax, softmaxOf } from './softmax-rows'

/** Parts of a block that are needed to cut it. */
type Long = Pick<AttentionBlock, 'rows' | 'keyCount' | 'causal' | 'max' | 'mass' | 'sum'>

/** Makes attention over any number of keys of a kernel that sums in float32: 4096 keys at a time, counted from the start of the array. */
export function longAttend(attend: AttentionKernels['attend']): AttentionKernels['attend'] {
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
  const softmax = softmaxOf(block)
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
  putSoftmax(block, softmax)
}

function cutBlock(
  { keys, values, bias, scores, d, dv }: AttentionBlock,
  from: number,
  count: number,
): Partial<AttentionBlock> {
  return {
    keys: rangeOf(keys, from * d, count * d),
    values: rangeOf(values, from * dv, count * dv),
    ...(bias && { bias: rangeOf(bias, from, count) }),
    ...(scores && { scores: scores.range(from, scores.length - from) }),
  }
}

function cutCodes({ keys, values, bias }: CodedAttention, from: number, count: number): Partial<CodedAttention> {
  return {
    keys: { ...keys, offset: keys.offset + from * keys.stride },
    values: { ...values, offset: values.offset + from * values.stride },
    ...(bias && { bias: rangeOf(bias, from, count) }),
  }
}
