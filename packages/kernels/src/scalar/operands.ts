import { isFloat32, isFloat64 } from '../brand'
import type { Doubles, Floats, Resident } from '../kernels'
import { resident, residentView, type Block } from '../resident'

/** A resident array of the scalar kernels: an ordinary array behind the same handle. */
export function scalarArray<A extends Float32Array | Float64Array | Uint8Array>(array: A): Resident<A> {
  let kept: A | undefined = array
  const block: Block = {
    home: 'scalar',
    offset: 0,
    open: true,
    view: (from, count) => kept!.subarray(from, from + count) as A,
    release: () => void (kept = undefined),
  }
  return resident<A>(block, array.length)
}

export function floats(operand: Floats): Float32Array {
  return isFloat32(operand) ? operand : (residentView('scalar', operand) as Float32Array)
}

export function doubles(operand: Doubles): Float64Array {
  return isFloat64(operand) ? operand : (residentView('scalar', operand) as Float64Array)
}

export function bytes(operand: Resident<Uint8Array>): Uint8Array {
  return residentView('scalar', operand) as Uint8Array
}
