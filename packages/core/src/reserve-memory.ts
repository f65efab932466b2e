import { kernels } from '@sublinear/kernels'

/**
 * Takes `bytes` bytes of the kernels' memory and gives them back at once, so that taking them afterwards cannot fail.
 *
 * @throws RangeError when there is no such memory
 */
export function reserveMemory(bytes: number): void {
  const asked = kernels().bytes(bytes)
  asked[Symbol.dispose]()
}
