import { checkFinite, checkInteger, checkSeed, type Seed } from '@sublinear/core'
import { largestOf } from './largest'
import { measurements, type Measurements } from './measurements'
import type { RecoverySize } from './recovery-rows'

const HELD = 64

export interface HeavyHitters {
  readonly n: number
  readonly k: number
  readonly m: number
  readonly bytes: number
  readonly dominated: boolean
  update(index: number, change: number): void
  top(count?: number): { readonly index: number; readonly value: number }[]
  readonly measured: Float64Array
}

export function heavyHitters(options: RecoverySize & { readonly seed: Seed }): HeavyHitters {
  const who = 'heavyHitters'
  const { n, k } = options
  return live(options, measurements(who, options, checkSeed(who, options.seed)))
}

export function live({ n, k }: RecoverySize, read: Measurements): HeavyHitters {
  const who = 'heavyHitters'
  const { matrix, dominated } = read
  const state = new Float64Array(matrix.m)
  const keys = new Float64Array(HELD)
  const changes = new Float64Array(HELD)
  let held = 0
  const flush = () => {
    read.add(state, keys.subarray(0, held), changes.subarray(0, held))
    held = 0
  }
  return {
    n,
    k,
    m: matrix.m,
    dominated,
    bytes: state.byteLength + keys.byteLength + changes.byteLength + matrix.bytes,
    update(index, change) {
      checkInteger(who, 'index', index, 0, n - 1)
      checkFinite(who, 'change', change)
      keys[held] = index
      changes[held++] = change
      if (held === HELD) flush()
    },
    top(count = k) {
      flush()
      const { keys, values } = largestOf(read.read(state.slice()), count)
      return Array.from(keys, (index, c) => ({ index, value: values[c]! }))
    },
    get measured() {
      flush()
      return state.slice()
    },
  }
}
