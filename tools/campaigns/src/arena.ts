import { simdMachine } from '../../../packages/kernels/src/module.ts'

/** Reservations of kernel memory that succeed before one fails; with Infinity none fails. */
export const gate = { left: Infinity, failed: false }

/** Reports every reservation of the kernels' memory from now on, and lets the gate refuse some. */
export function countArena(report: (bytes: number) => void): void {
  const { arena } = simdMachine()
  const take = arena.take.bind(arena)
  arena.take = (bytes: number) => {
    report(bytes)
    if (--gate.left < 0) {
      gate.failed = true
      throw new RangeError('kernels: no memory, as asked for')
    }
    return take(bytes)
  }
}
