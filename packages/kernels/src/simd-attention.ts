import type { AttentionKernels } from './attention-kernels'
import { longAttend } from './long-attention'
import { simdMachine, staging } from './module'
import { simdAttend } from './simd/attend'
import { simdAddShares } from './simd/shares'

let made: AttentionKernels | undefined

/** The kernels of softmax attention in WebAssembly SIMD, of the part that `simdKernels` compiles. @throws CompileError as simdKernels does */
export function simdAttentionKernels(): AttentionKernels {
  if (!made) {
    const machine = simdMachine()
    const scratch = staging()
    made = {
      name: 'simd',
      addShares: simdAddShares(machine, scratch),
      attend: longAttend(simdAttend(machine, scratch)),
    }
  }
  return made
}
