import type { CodedAttention, CodeKernels } from './code-kernels'
import { joinedSums, SEGMENT } from './joined-sums'
import type { AttentionBlock, AttentionKernels } from './attention-kernels'
import { rangeOf } from './resident'
import { seenBy } from './rounded-query'
import { putSoftmax, softmaxOf } from './softmax-rows'

/** Parts of a block that are needed to cut it. */
type Long = Pick<AttentionBlock, 'queries' | 'rows' | 'keyCount' | 'd' | 'dv' | 'causal' | 'max' | 'mass' | 'sum'>

/** Query rows whose sums are joined together: the float64 sums of all rows would take three times the bytes of the answer. */
const STRIP = 4096
/** The least number of rows of a strip: fewer would be summed in another order. */
const LEAST_ROWS = 5

/** Makes attention over any number of keys of a kernel that sums in float32: 4096 keys at a time, counted from the start of the array. */
export function longAttend(attend: AttentionKernels['attend']): AttentionKernels['attend'] {
  return (block) => inStrips(block, attend, cutBlock)
}

/** Makes attention over any number of tokens in codes, in the same way. */
export function longAttendCodes(attend: CodeKernels['attendCodes']): CodeKernels['attendCodes'] {
  return (block) => inStrips(block, attend, cutCodes)
}

/** Attends strip by strip of the query rows, if there are many of them and many keys. */
function inStrips<B extends Long>(
  block: B,
  attend: (block: B) => void,
  cut: (block: B, from: number, count: number) => Partial<B>,
): void {
  const { rows, keyCount, d, dv, causal, queries, max, mass, sum } = block
  const groups = causal?.groups ?? 1
  const strip = groups * Math.ceil(STRIP / groups)
  if (keyCount <= SEGMENT || rows < strip + LEAST_ROWS) return inSegments(block, attend, cut)
  for (let from = 0; from < rows;) {
    const left = rows - from
    const count = left < strip + LEAST_ROWS ? left : strip
    const own = {
      ...block,
      rows: count,
      queries: rangeOf(queries, from * d, count * d),
      ...(causal && { causal: { groups, visible: causal.visible + from / groups } }),
      max: rangeOf(max, from, count),
      mass: rangeOf(mass, from, count),
      sum: rangeOf(sum, from * dv, count * dv),
    }
    inSegments(own, attend, cut)
    from += count
  }
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
