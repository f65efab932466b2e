import { kernels, type Resident } from '@sublinear/kernels'

/** Weights of slots, and their logarithms; both are present only while any weight differs from 1. */
export interface SlotWeights extends Disposable {
  /** Weights by slot, as many as there are slots; absent while all are 1. */
  readonly all: Float32Array | undefined
  /** The logarithms, for the kernels. */
  readonly bias: Resident<Float32Array> | Float32Array | undefined
  readonly bytes: number
  /** Writes weights to the slots at … at + rows − 1, or 1 where none are given; `room` slots exist. */
  write(given: Float32Array | undefined, rows: number, at: number, room: number): void
  /** Forgets the slots from … used − 1. */
  drop(from: number, used: number): void
  /** Moves the first `used` weights to an array of `room`. */
  resize(used: number, room: number): void
}

export function slotWeights(): SlotWeights {
  let all: Float32Array | undefined
  let bias: Resident<Float32Array> | undefined
  let others = 0 // slots whose weight is not 1

  const count = (at: number, rows: number, step: number) => {
    for (let i = at; i < at + rows; i++) if (all![i] !== 1) others += step
  }

  const release = () => {
    bias?.[Symbol.dispose]()
    bias = undefined
    all = undefined
  }

  return {
    get all() {
      return all
    },
    get bias() {
      return bias
    },
    get bytes() {
      return all ? 8 * all.length : 0
    },
    write(given, rows, at, room) {
      if (!all) {
        if (!given?.some((weight) => weight !== 1)) return
        all = new Float32Array(room).fill(1)
        bias = kernels().floats(room)
      }
      count(at, rows, -1)
      if (given) all.set(given, at)
      else all.fill(1, at, at + rows)
      count(at, rows, 1)
      if (others === 0) release()
      else bias!.write(all.subarray(at, at + rows).map(Math.log), at)
    },
    drop(from, used) {
      if (!all) return
      count(from, used - from, -1)
      all.fill(1, from)
      if (others === 0) release()
    },
    resize(used, room) {
      if (!all) return
      const wider = new Float32Array(room).fill(1)
      wider.set(all.subarray(0, used))
      all = wider
      bias![Symbol.dispose]()
      bias = kernels().floats(room)
      bias.write(all.map(Math.log))
    },
    [Symbol.dispose]: release,
  }
}
