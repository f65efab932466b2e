import type { CodeKernels } from './code-kernels'
import { longAttendCodes } from './long-attention'
import { codeMachine, staging } from './module'
import { simdAttendCodes } from './simd/attend-codes'
import { simdCodeDistances } from './simd/code-distances'
import { simdAddCodeShares } from './simd/code-shares'
import { simdPack } from './simd/pack'
import { simdTurn } from './simd/turn'
import { simdTurnedRows } from './simd/turned-rows'
import { simdUnpack } from './simd/unpack'

let made: CodeKernels | undefined

/** The kernels over codes in WebAssembly SIMD, compiled at the first call. @throws CompileError as simdKernels does */
export function simdCodeKernels(): CodeKernels {
  if (!made) {
    const machine = codeMachine()
    const scratch = staging()
    made = {
      name: 'simd',
      addShares: simdAddCodeShares(machine, scratch),
      attendCodes: longAttendCodes(simdAttendCodes(machine, scratch)),
      codeDistances: simdCodeDistances(machine, scratch),
      unpack: simdUnpack(machine, scratch),
      pack: simdPack(machine, scratch),
      turn: simdTurn(machine, scratch),
      ...simdTurnedRows(machine, scratch),
    }
  }
  return made
}
