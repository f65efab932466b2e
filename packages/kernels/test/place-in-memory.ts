import { simdMachine } from '../src/module'

/** 2 GiB: from here on an address is negative as a signed 32-bit number. */
export const MIDDLE = 2 ** 31

/** Takes the kernels' memory up to a place, so that whatever comes next lies from there on. Nothing is written to it: it costs addresses alone. */
export function placeFrom(offset: number): void {
  const { arena } = simdMachine()
  const at = arena.take(64)
  arena.take(offset - at - 64)
}
