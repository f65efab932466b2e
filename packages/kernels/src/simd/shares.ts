import type { AttentionKernels, ShareBlock } from '../attention-kernels'
import type { Resident } from '../kernels'
import type { Machine } from '../module'
import { ordinary } from '../softmax-rows'
import { rangeOf } from '../resident'
import { seenBy } from '../rounded-query'
import type { Staging } from '../staging'
import { simdProduct } from './product'
import { simdScoreShares } from './score-shares'
import { addShareRows } from './share-rows'

/** Rows from which on a product is faster than row after row. */
const MANY = 8
/** Rows and keys of one product. */
const ROWS = 64
const KEYS = 1024

/**
 * Shares by whichever way is fastest for the rows: scores that are there, a product for many rows, or row after row. Scores are summed in ascending order in
 * all of them, so the bits are the same.
 */
export function simdAddShares(machine: Machine, staging: Staging): AttentionKernels['addShares'] {
  const { wasm } = machine
  const addScored = simdScoreShares(machine, staging)
  const product = simdProduct(machine, staging)
  let room: Resident<Float32Array> | undefined

  return (out, { keys, scores, scoreRow, ...block }) => {
    const { d, scale, rows, cols } = block
    if (rows === 0 || cols === 0) return
    if (scores)
      return addScored(out, { ...block, bias: undefined, scores, scoreRow: scoreRow ?? cols, seen: () => cols })
    if (rows >= MANY) return many(out, keys, block)
    const at = staging.floats(keys)
    addShareRows(
      staging,
      out,
      block,
      {
        at,
        stride: 4 * d,
        ...(!at && { copyIn: (to, first, count) => staging.in(to, keys, first * d, count * d) }),
        ready({ to, toRow, from, rows }) {
          wasm.copyRows({ to, toRow, from, fromRow: 4 * d, rows, bytes: 4 * d })
          wasm.scaleBy({ x: to, factor: scale, count: (rows * toRow) >> 2 })
        },
        add: (of) => wasm.addShares({ ...of, d }),
      },
      wasm.copyBytes,
    )
  }

  function many(out: Float64Array, keys: ShareBlock['keys'], block: Omit<ShareBlock, 'keys' | 'scores'>): void {
    const { max, mass, bias, rows, cols, d, causal } = block
    const factor = Math.fround(block.scale)
    const queries = ordinary(block.queries).map((x) => x * factor)
    room ??= machine.arena.floats(ROWS * KEYS)
    for (let r = 0; r < rows; r += ROWS) {
      const count = Math.min(ROWS, rows - r)
      const visible = seenBy(r + count - 1, cols, causal)
      for (let first = 0; first < visible; first += KEYS) {
        const here = Math.min(KEYS, visible - first)
        const own = queries.subarray(r * d, (r + count) * d)
        product('nt', room, own, rangeOf(keys, first * d, here * d), count, d, here)
        addScored(out.subarray(first, first + here), {
          scores: room,
          scoreRow: here,
          max: max.subarray(r, r + count),
          mass: mass.subarray(r, r + count),
          bias: bias && rangeOf(bias, first, here),
          rows: count,
          cols: here,
          seen: (row) => seenBy(r + row, cols, causal) - first,
        })
      }
    }
  }
}
