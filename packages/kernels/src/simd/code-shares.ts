import type { CodeKernels } from '../code-kernels'
import type { CodeMachine } from '../module'
import { residentOffset } from '../resident'
import { mostOfQuery } from '../rounded-query'
import type { Staging } from '../staging'
import { addShareRows } from './share-rows'

export function simdAddCodeShares({ wasm }: CodeMachine, staging: Staging): CodeKernels['addShares'] {
  return (out, { keys, ...block }) => {
    const { d, scale } = block
    const { codes, offset, stride, bits } = keys
    const given = { d, scale, most: mostOfQuery(bits, d), inNibbles: bits === 4 }
    addShareRows(
      staging,
      out,
      block,
      {
        at: residentOffset('simd', codes, 1) + offset,
        stride,
        ready: (of) => wasm.roundQueries({ ...of, ...given }),
        add: (of) => wasm.addCodeShares({ ...of, d, stride, bits }),
      },
      wasm.copyBytes,
    )
  }
}
