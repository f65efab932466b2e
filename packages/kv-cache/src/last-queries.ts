import type { Matrix, Snapshot, Tensor } from '@sublinear/core'
import type { Levels } from './attention-shares'

/** The queries of the last `most` tokens observed, with the levels of their softmax. */
export interface LastQueries {
  readonly bytes: number
  /** None before the first was observed. */
  readonly queries: Matrix
  readonly total: Levels
  observe(queries: Matrix, total: Levels, groups: number): void
  saved(): { readonly parameters: Record<string, string>; readonly tensors: Record<string, Tensor> }
}

/** @throws RangeError when what the snapshot holds is none */
export function lastQueries(kind: string, d: number, most: number, snapshot?: Snapshot): LastQueries {
  let { groups, queries, max, mass } = snapshot
    ? restored(kind, d, most, snapshot)
    : { groups: 0, queries: new Float32Array(0), max: new Float32Array(0), mass: new Float64Array(0) }
  return {
    get bytes() {
      return most * groups * (4 * d + 12)
    },
    get queries() {
      return { rows: max.length, cols: d, data: queries }
    },
    get total() {
      return { max, mass }
    },
    observe(asked, total, per) {
      if (per !== groups) [groups, queries, max, mass] = [per, queries.slice(0, 0), max.slice(0, 0), mass.slice(0, 0)]
      const keep = most * groups
      queries = lastOf(
        keep * d,
        queries,
        asked.data,
        new Float32Array(Math.min(keep * d, queries.length + asked.data.length)),
      )
      max = lastOf(keep, max, total.max, new Float32Array(Math.min(keep, max.length + asked.rows)))
      mass = lastOf(keep, mass, total.mass, new Float64Array(Math.min(keep, mass.length + asked.rows)))
    },
    saved: () => ({
      parameters: { groups: String(groups) },
      tensors: {
        queries: { dtype: 'F32', shape: [max.length, d], data: queries },
        maxima: { dtype: 'F32', shape: [max.length], data: max },
        masses: { dtype: 'F64', shape: [max.length], data: mass },
      },
    }),
  }
}

/** The last entries of one array after the other. */
function lastOf<A extends Float32Array | Float64Array>(keep: number, old: A, fresh: A, out: A): A {
  const before = Math.max(0, Math.min(old.length, keep - fresh.length))
  out.set(old.subarray(old.length - before))
  out.set(fresh.subarray(Math.max(0, fresh.length - keep)), before)
  return out
}

function restored(kind: string, d: number, most: number, { parameters, tensors }: Snapshot) {
  const [queries, max, mass] = ['queries', 'maxima', 'masses'].map((name) => tensors.get(name)?.data)
  const groups = Number(parameters['groups'])
  const fits =
    queries instanceof Float32Array &&
    max instanceof Float32Array &&
    mass instanceof Float64Array &&
    Number.isSafeInteger(groups) &&
    groups >= 0 &&
    mass.length <= most * groups &&
    max.length === mass.length &&
    queries.length === mass.length * d &&
    queries.every(Number.isFinite) &&
    max.every((level) => level < Infinity) &&
    mass.every((total) => total >= 0 && total < Infinity)
  if (!fits) throw new RangeError(`${kind}: the tensors of the snapshot do not fit its parameters`)
  return { groups, queries, max, mass }
}
