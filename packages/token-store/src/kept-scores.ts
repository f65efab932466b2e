import { kernels, type Resident } from '@sublinear/kernels'

/** Most scores that are kept: more would be memory that a stream does not count. */
const MOST = 2 ** 16
/** Most rows of a call of `attend` whose scores the kernels leave. */
const ROWS = 4
/** The kernels write scores in blocks. */
const BLOCK = 64

/** Scores of one call of `attend`, as the kernels take them. */
export interface Scores {
  readonly scores: Resident<Float32Array>
  /** Numbers from one query's scores to the next one's. */
  readonly scoreRow: number
}

/** Scores of the last queries that some store answered: scratch of the process. `of` is a mark of the store and not the store, which would be kept from collection. */
let kept:
  | { readonly of: object; readonly queries: Float32Array; readonly rows: number; readonly count: number }
  | undefined
let room: Resident<Float32Array> | undefined

const rowOf = (count: number) => (count + BLOCK - 1) & -BLOCK

/**
 * Gives the place where a call of `attend` leaves its scores, so that the shares which are asked for next need no products.
 *
 * Cost: for the process and not for each store: at most 256 KiB.
 *
 * @returns nothing where the kernels leave no scores for such a call, or there is no memory for them
 */
export function placeForScores(of: object, queries: Float32Array, rows: number, count: number): Scores | undefined {
  const scoreRow = rowOf(count)
  if (rows > ROWS || rows * scoreRow > MOST || kernels().name !== 'simd') return undefined
  kept = undefined
  try {
    if (!room || room.length < rows * scoreRow) {
      room?.[Symbol.dispose]()
      room = undefined
      room = kernels().floats(rows * scoreRow)
    }
  } catch {
    return undefined // there is no memory: shares take products again
  }
  kept = { of, queries, rows, count }
  return { scores: room, scoreRow }
}

/** Gives the scores of these queries over these tokens, where the last call of `attend` that left any was theirs. */
export function keptScores(of: object, queries: Float32Array, rows: number, count: number): Scores | undefined {
  if (!room || kept?.of !== of || kept.queries !== queries || kept.rows !== rows || kept.count !== count)
    return undefined
  return { scores: room, scoreRow: rowOf(count) }
}

/** Forgets the scores of a store: its tokens have changed. */
export function forgetScores(of: object): void {
  if (kept?.of === of) kept = undefined
}
