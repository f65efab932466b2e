import type { AttentionStream, Shape } from '@sublinear/core'

type Make = (shape: Shape, layer: number, head: number) => AttentionStream

/** Wraps the maker of streams so that the bytes that they hold are read after every step. */
export function watched(make: Make): { readonly stream: Make; readonly peakBytes: () => number } {
  const peaks: number[] = []
  const stream: Make = (shape, layer, head) => {
    const made: AttentionStream & Partial<Disposable> = make(shape, layer, head)
    const at = peaks.push(made.bytes) - 1
    const look = () => void (peaks[at] = Math.max(peaks[at], made.bytes))
    const { d, dv, scale, merging } = made
    const own: AttentionStream & Disposable = {
      d,
      dv,
      scale,
      merging,
      get tokens() {
        return made.tokens
      },
      get bytes() {
        return made.bytes
      },
      push(block) {
        made.push(block)
        look()
      },
      attend: (queries) => made.attend(queries),
      step(block, queries) {
        const partial = made.step(block, queries)
        look()
        return partial
      },
      merge: (later) => made.merge(later),
      toBytes: () => made.toBytes(),
      fork: () => made.fork() as typeof own, // a fork, which is not watched
      reset: () => made.reset(),
      [Symbol.dispose]: () => made[Symbol.dispose]?.(),
    }
    return own
  }
  return { stream, peakBytes: () => peaks.reduce((total, peak) => total + peak, 0) }
}
