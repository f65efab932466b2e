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
  let others = 0 // slots whose weight is not 1

  const count = (at: number, rows: number, step: number) => {
    for (let i = at; i < at + rows; i++) if (self.all![i] !== 1) others += step
  }

  const self: Changing = {
    all: undefined,
    bias: undefined,
    bytes: 0,
    write(given, rows, at, room) {
      if (!self.all) {
        if (!given?.some((weight) => weight !== 1)) return
        begin(new Float32Array(room).fill(1), kernels().floats(room))
      }
      count(at, rows, -1)
      if (given) self.all!.set(given, at)
      else self.all!.fill(1, at, at + rows)
      count(at, rows, 1)
      if (others === 0) self[Symbol.dispose]()
      else self.bias!.write(self.all!.subarray(at, at + rows).map(Math.log), at)
    },
    drop(from, used) {
      if (!self.all) return
      count(from, used - from, -1)
      self.all.fill(1, from)
      if (others === 0) self[Symbol.dispose]()
    },
    resize(used, room) {
      if (!self.all) return
      const wider = new Float32Array(room).fill(1)
      wider.set(self.all.subarray(0, used))
      self.bias![Symbol.dispose]()
      begin(wider, kernels().floats(room))
      self.bias!.write(wider.map(Math.log))
    },
    [Symbol.dispose]() {
      self.bias?.[Symbol.dispose]()
      self.bias = undefined
      self.all = undefined
      self.bytes = 0
    },
  }

  const begin = (all: Float32Array, bias: Resident<Float32Array>) => {
    self.all = all
    self.bias = bias
    self.bytes = 8 * all.length
  }

  return self
}

/** The same weights, whose fields change. */
interface Changing extends SlotWeights {
  all: Float32Array | undefined
  bias: Resident<Float32Array> | undefined
  bytes: number
}
