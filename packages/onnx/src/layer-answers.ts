import { emptyPartial, matrix, type Matrix, type PartialSoftmax } from '@sublinear/core'
import type { HeldHead } from './held-head'
import { placesOf, takeHeads, turnRows } from './head-rows'
import type { ModelLayer } from './model-layer'
import type { OpenLayer } from './open-segments'

/** Queries, keys and values of one key head for the tokens of a block: turned, unless the streams do that; queries are not scaled. */
export interface HeadBlock {
  readonly layer: number
  /** Number of the key head; its query heads are rows r·groups … r·groups + groups − 1 of token r. */
  readonly head: number
  readonly queries: Matrix // groups·rows × d
  readonly keys: Matrix // rows × d
  readonly values: Matrix // rows × dv
}

/** Arrays of one head's rows, which all heads of a shape use in turn. */
export type HeadScratch = (layer: ModelLayer, rows: number) => Rows
/** Rows of a head, and a place for its answers. */
type Rows = Pick<HeadBlock, 'queries' | 'keys' | 'values'> & { readonly softmax: PartialSoftmax }

/** Makes arrays for the numbers of rows that were asked for last; streams copy what they keep. */
export function headScratch(): HeadScratch {
  const made = new Map<string, Rows>()
  return ({ groups, shape: { d, dv } }, rows) => {
    const key = `${rows} ${groups} ${d} ${dv}`
    const own = made.get(key) ?? {
      queries: matrix(rows * groups, d),
      keys: matrix(rows, d),
      values: matrix(rows, dv),
      softmax: emptyPartial(rows * groups, dv),
    }
    if (made.size > MOST_SCRATCH) made.clear()
    made.set(key, own)
    return own
  }
}

const MOST_SCRATCH = 16

/** Makes a partial softmax empty again. */
function emptied(softmax: PartialSoftmax): PartialSoftmax {
  softmax.max.fill(-Infinity)
  softmax.mass.fill(0)
  softmax.sum.data.fill(0)
  return softmax
}

interface BlockOptions {
  readonly rows: number
  /** Number of tokens read before. */
  readonly before: number
  readonly scratch: HeadScratch
  /** Whether queries and keys are turned here, by the graph's tables, and not by the streams. */
  readonly isTurned: boolean
  /** Array for the answers. */
  readonly out: Float32Array
}

/**
 * Answers the attention of a layer for a block of tokens: the stream of each key head takes its keys and values, and answers its query heads.
 *
 * @param tensors  tensors of the layer's segment
 * @param out  takes the answers: rows × heads·dv, or heads × rows × dv where the graph reads heads
 */
export async function layerAnswers(
  layer: OpenLayer,
  streams: readonly HeldHead[],
  tensors: readonly Float32Array[],
  { rows, before, scratch, isTurned, out }: BlockOptions,
  onHead?: (block: HeadBlock) => void,
): Promise<void> {
  const { site, heads, kvHeads, groups, rotary, index, shape } = layer
  const { d, dv } = shape
  const [q, k, v] = placesOf(layer, tensors, rows)
  const isShared = layer.reads !== undefined
  const { queries, keys, values, softmax } = scratch(layer, rows)
  for (let head = 0; head < kvHeads; head++) {
    takeHeads(queries.data, q, { rows, first: head * groups, count: groups, width: d })
    if (!isShared) {
      takeHeads(keys.data, k, { rows, first: head, count: 1, width: d })
      takeHeads(values.data, v, { rows, first: head, count: 1, width: dv })
    }
    if (rotary && isTurned) {
      turnRows(queries.data, { rows, count: groups, width: d, before }, rotary)
      if (!isShared) turnRows(keys.data, { rows, count: 1, width: d, before }, rotary)
    }
    const stream = streams[head]
    const given = isShared ? stream.given() : { keys, values }
    onHead?.({ layer: index, head, queries, ...given })
    const said = isShared ? stream.again(queries) : stream.step(given, queries, emptied(softmax))
    const own = 'mass' in said ? said : await said // streams answer at once, long blocks later
    putAnswers(out, own, { rows, heads, groups, dv, head, isByHead: site.outputLayout === 'heads' })
  }
}

/** Puts the answers of one key head in their places: rows of tokens, or of heads where the graph reads these. */
function putAnswers(
  out: Float32Array,
  { mass, sum: { data } }: PartialSoftmax,
  {
    rows,
    heads,
    groups,
    dv,
    head,
    isByHead,
  }: Readonly<Record<'rows' | 'heads' | 'groups' | 'dv' | 'head', number>> & { readonly isByHead: boolean },
): void {
  for (let r = 0; r < rows; r++)
    for (let g = 0; g < groups; g++) {
      const from = r * groups + g
      const inverse = mass[from] > 0 ? 1 / mass[from] : 0
      const own = head * groups + g
      const to = (isByHead ? own * rows + r : r * heads + own) * dv
      for (let c = 0; c < dv; c++) out[to + c] = data[from * dv + c] * inverse
    }
}
