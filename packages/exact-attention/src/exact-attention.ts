import {
  addSink,
  checkHead,
  checkOptions,
  checkInteger,
  checkKeys,
  checkValues,
  emptyPartial,
  headOf,
  rotation,
  rowsOf,
  rowsOfPartial,
  type Head,
  type HeadFeature,
  type Matrix,
  type PartialSoftmax,
} from '@sublinear/core'
import { attentionKernels, joinedSums, SEGMENT } from '@sublinear/kernels'
import { divideRows } from './partial-softmax'
import { shapedAttend, type Sight } from './shaped-attend'

export interface ExactAttention extends Omit<Head, 'values' | 'positions'> {
  /** Queries: groups·n × d when causal, else any number of rows × d. */
  readonly queries: Matrix
  /** Keys: n × d. */
  readonly keys: Matrix
  /** Values: n × dv; or 'in keys', the first dv columns of the keys. */
  readonly values: Matrix | 'in keys'
  /** Width of values, where these are in the keys. */
  readonly dv?: number | undefined
  /** Factor of the scores inside exp. */
  readonly scale: number
  /** Whether query row i·groups + g sees only keys 0 … i, with groups = queries.rows / keys.rows. Default: false. */
  readonly causal?: boolean | undefined
  /** Number of keys that count, from the first on; the others are padding. Default: all. */
  readonly valid?: number | undefined
}

const CAN: readonly HeadFeature[] = ['softcap', 'sinkLogit', 'slope', 'window', 'rotary', 'values']

/**
 * Computes exact softmax attention, softmax(scale · Q Kᵀ) V, in blocks, without an n × n array, with the features of a head (`Head`). All streams here are
 * measured against it.
 * Source: online softmax (Milakov and Gimelshein 2018; Rabe and Staats 2021).
 *
 * Places: key j stands at place j, a causal query at that of its token, any other at that of the last key that counts.
 *
 * Guarantee: relative error about 1e-6 against float64 while logits are ordinary, for n up to 2^20; a float32 score near ±400 is
 *   known only to 3e-5, and so are answers. Sums of every 4096 keys are joined in float64: 1e-5 at any n.
 * Cost: 2·(d + dv) operations a visible pair (causal skips the other half); memory O(n·(d + dv)).
 *
 * @returns queries.rows × dv; a query that sees no key gets a zero row
 * @throws TypeError, RangeError when shapes do not fit, an entry is not finite, or an option is unknown
 * @example exactAttention({ queries: matrix(1, 2), keys: matrix(3, 2), values: matrix(3, 1, Float32Array.of(1, 2, 6)), scale: 1 }).data[0] // 3
 */
export function exactAttention(options: ExactAttention): Matrix {
  const who = 'exactAttention'
  checkOptions(who, options, OPTIONS)
  const { queries, keys, values, scale, causal = false, valid } = options
  checkKeys(who, 'keys', keys)
  checkInteger(who, 'd', keys.cols, 1)
  const inKeys = values === 'in keys'
  if (!inKeys) checkValues(who, 'values', values, options.dv, keys.rows)
  const dv = inKeys ? options.dv! : values.cols
  const head = headOf({ ...options, values: inKeys ? values : undefined } as Head)
  checkHead(who, { d: keys.cols, dv: inKeys ? dv : Math.max(1, dv), scale, ...head }, CAN)
  checkKeys(who, 'queries', queries, keys.cols)
  const keyCount = valid ?? keys.rows
  checkInteger(who, 'valid', keyCount, 0, keys.rows)
  if (typeof causal !== 'boolean') throw new TypeError(`${who}: causal must be true or false, got ${String(causal)}`)
  const groups = keys.rows > 0 ? queries.rows / keys.rows : 1
  if (causal && (!Number.isInteger(groups) || (keys.rows === 0 && queries.rows > 0))) {
    throw new RangeError(
      `${who}: causal needs a whole number of queries for each of the ${keys.rows} keys, got ${queries.rows}`,
    )
  }
  const partial = emptyPartial(queries.rows, dv)
  const { max, mass, sum } = partial
  if (Object.keys(head).length > 0) {
    const placed = { keys: rowsOf(keys, 0, keyCount), queries, groups: causal ? groups : undefined }
    attendHead({ ...placed, values: inKeys ? undefined : values, scale, head }, partial)
  } else
    attentionKernels().attend({
      queries: queries.data,
      keys: keys.data,
      values: (values as Matrix).data,
      rows: queries.rows,
      keyCount,
      d: keys.cols,
      dv,
      scale,
      ...(causal && groups > 0 && { causal: { visible: 1, groups } }),
      max,
      mass,
      sum: sum.data,
    })
  divideRows(sum.data, mass, dv)
  return sum
}

const OPTIONS = ['queries', 'keys', 'values', 'dv', 'scale', 'causal', 'valid', ...CAN]

/** Query rows of a head whose sums are joined together: the float64 sums of all rows would take three times the bytes of the answer. */
const STRIP = 4096

interface Placed {
  readonly keys: Matrix
  readonly queries: Matrix
  readonly values: Matrix | undefined
  readonly scale: number
  readonly head: Head
  /** Query rows a token, where queries are causal. */
  readonly groups: number | undefined
}

/** Attends as exactStream does: turns by place, scores, and adds the sink. */
function attendHead({ keys, queries, values, scale, head, groups }: Placed, partial: ReturnType<typeof emptyPartial>) {
  const { softcap, sinkLogit, slope, window, rotary } = head
  for (const list of [sinkLogit, slope].filter(Array.isArray)) {
    if (queries.rows % list.length !== 0 || (groups !== undefined && queries.rows > 0 && groups !== list.length))
      throw new RangeError(`exactAttention: queries must have ${list.length} rows a token, as sinkLogit and slope do`)
  }
  const place = groups === undefined ? () => keys.rows - 1 : (row: number) => Math.floor(row / groups)
  const turn = rotary ? rotation(rotary, keys.cols) : undefined
  const sight: Sight = {
    from: (row) => (window === undefined ? 0 : place(row) - window + 1),
    end: (row) => place(row) + 1,
    place,
  }
  const scored = {
    d: keys.cols,
    dv: partial.sum.cols,
    scale,
    ...(softcap !== undefined && { softcap }),
    ...(slope !== undefined && { slope }),
  }
  if (sinkLogit !== undefined) addSink(partial, sinkLogit)
  const turned = turn ? turn(keys, (row) => row) : keys
  const asked = (turn ? turn(queries, place) : queries).data
  const { d } = scored
  /** Rows `first` and on, as many as `out` has, over keys from … to − 1 with the places of rows among them. */
  const attend = (first: number, from: number, to: number, out: PartialSoftmax) =>
    shapedAttend(
      scored,
      asked.subarray(first * d, (first + out.max.length) * d),
      {
        keys: rowsOf(turned, from, to).data,
        ...(values && { values: rowsOf(values, from, to).data }),
        count: to - from,
      },
      {
        from: (row) => sight.from(first + row) - from,
        end: (row) => sight.end(first + row) - from,
        place: (row) => place(first + row) - from,
      },
      out,
    )
  const strip = STRIP * ([sinkLogit, slope].find(Array.isArray)?.length ?? 1)
  for (let first = 0; first < queries.rows; first += strip) {
    const own = rowsOfPartial(partial, first, Math.min(queries.rows, first + strip))
    attend(first, 0, Math.min(keys.rows, SEGMENT), own)
    if (keys.rows <= SEGMENT) continue
    const { rows, cols, data } = own.sum
    const joined = joinedSums({ ...own, sum: data })
    for (let from = SEGMENT; from < keys.rows; from += SEGMENT) {
      const part = { ...joined.part, sum: { rows, cols, data: joined.part.sum } }
      attend(first, from, Math.min(keys.rows, from + SEGMENT), part)
      joined.join()
    }
    joined.end()
  }
}
