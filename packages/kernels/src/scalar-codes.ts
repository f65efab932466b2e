import type { CodeKernels } from './code-kernels'
import { longAttendCodes } from './long-attention'
import { attendCodes } from './scalar/attend-codes'
import { addCodeShares } from './scalar/code-shares'
import { pack } from './scalar/pack'
import { turn } from './scalar/turn'
import { packTurned, turnRows } from './scalar/turned-rows'
import { codeDistances, unpack } from './scalar/unpack'

/** The kernels over codes in plain JavaScript: the same bits as in WASM SIMD. */
export const scalarCodeKernels: CodeKernels = {
  name: 'scalar',
  addShares: addCodeShares,
  attendCodes: longAttendCodes(attendCodes),
  codeDistances,
  unpack,
  pack,
  packTurned,
  turn,
  turnRows,
}
