import type { Kernels } from '../kernels'
import type { Machine } from '../module'
import type { Staging } from '../staging'
import { addShareRows } from './share-rows'

export function simdAddShares({ wasm }: Machine, staging: Staging): Kernels['addShares'] {
  return (out, { keys, ...block }) => {
    const { d, scale } = block
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
}
