import { checkInteger, type KvBlock, type Snapshot, type Shape } from '@sublinear/core'
import type { HeldTokens } from '@sublinear/exact-attention'
import { joined, part } from './blocks'
import { distanceHeap } from './distance-heap'
import { tierSnapshot, tokenTier, type Policy, type TokenTier, type TokenTierOptions } from './token-tier'

const KIND = 'far-keys'
/** Tokens between two re-scores; before the first, at every power of two. */
const RESCORE = 64

/**
 * A tier that keeps the `count` tokens whose keys lie farthest from the mean key: those whose scores differ most from the average,
 * which a summary of the rest would get wrong. It needs no queries.
 * Source: not from the papers; a heap by distance from the running mean of all keys admitted, which follows the stream: held
 *   tokens are re-scored every 64 tokens (and at 1, 2, 4 … 32).
 *
 * @param count  tokens kept, ≥ 1
 * @throws TypeError, RangeError when count is no integer ≥ 1
 * Guarantee: exact over the tokens held. Between re-scores every token that left was no farther from the centre than all that stayed;
 *   a token that left does not come back when the mean moves. Merging is 'none': what is held depends on the mean at the time.
 * Cost: 4·(d + dv + 1) + 12 bytes a token held and 16·d; O(d + log count) a token and O(count·d) every 64 tokens.
 */
export function farKeys({ count }: { readonly count: number }): (shape: Shape) => TokenTier {
  checkInteger('farKeys', 'count', count, 1)
  return (shape) => tokenTier({ ...shape, ...options(shape.d, count) })
}

/** Far keys from their snapshot, resuming bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreFarKeys(bytes: Uint8Array): TokenTier {
  const { snapshot, count, ...shape } = tierSnapshot(KIND, bytes)
  return tokenTier({ ...shape, ...options(shape.d, count) }, snapshot)
}

function options(d: number, count: number): Omit<TokenTierOptions, 'd' | 'dv' | 'scale'> {
  return { kind: KIND, count, merging: 'none', policy: (held, snapshot) => farthest(held, d, count, snapshot) }
}

/** Where the stream stands: the running mean as a weighted sum, and the mean that distances were last taken from. */
interface Position {
  seen: number // tokens admitted
  weight: number
  readonly sum: Float64Array // d
  readonly centre: Float64Array // d
}

function farthest(held: HeldTokens, d: number, count: number, snapshot?: Snapshot): Policy {
  const position = snapshot
    ? restored(snapshot, d)
    : { seen: 0, weight: 0, sum: new Float64Array(d), centre: new Float64Array(d) }
  const { sum, centre } = position
  const heap = distanceHeap()

  const rescore = () => {
    const keys = held.keys.range(0, held.count * d).read()
    heap.rescore(Float64Array.from({ length: held.count }, (_, slot) => squaredDistance(keys, slot * d, centre)))
  }

  /** Counts the token and moves the centre where the stream has come to a place for that. */
  const passed = (keys: Float32Array, at: number, weight: number) => {
    for (let c = 0; c < d; c++) sum[c]! += weight * keys[at + c]!
    position.weight += weight
    const seen = ++position.seen
    if (seen % RESCORE !== 0 && (seen > RESCORE || (seen & (seen - 1)) !== 0)) return
    for (let c = 0; c < d; c++) centre[c] = sum[c]! / position.weight
    rescore()
  }

  if (snapshot) rescore()
  return {
    get bytes() {
      return heap.bytes + 16 * d
    },
    admit(block) {
      const { rows } = block.keys
      const { data } = block.keys
      const left: (KvBlock | undefined)[] = []
      let from = 0 // rows from … r − 1 leave as they came
      for (let r = 0; r < rows; r++) {
        const distance = squaredDistance(data, r * d, centre)
        const isFull = held.count === count
        if (!isFull || distance > heap.distance(heap.nearest)) {
          left.push(part(block, from, r))
          from = r + 1
          if (isFull) {
            const slot = heap.nearest
            left.push(held.read(slot, 1))
            held.write(block, r, 1, slot)
            heap.replaceNearest(distance)
          } else {
            held.write(block, r, 1, held.count)
            heap.push(distance)
          }
        }
        passed(data, r * d, block.weights?.[r] ?? 1)
      }
      left.push(part(block, from, rows))
      return joined(...left)
    },
    saved: () => ({
      parameters: { weight: String(position.weight) },
      tensors: {
        sum: { dtype: 'F64', shape: [d], data: sum.slice() },
        centre: { dtype: 'F64', shape: [d], data: centre.slice() },
      },
    }),
  }
}

function restored({ parameters, tensors }: Snapshot, d: number): Position {
  const [sum, centre] = ['sum', 'centre'].map((name) => tensors.get(name)?.data)
  const weight = Number(parameters['weight'])
  const fits =
    sum instanceof Float64Array &&
    centre instanceof Float64Array &&
    sum.length === d &&
    centre.length === d &&
    sum.every(Number.isFinite) &&
    centre.every(Number.isFinite) &&
    weight >= 0 &&
    weight < Infinity
  if (!fits) throw new RangeError(`${KIND}: the tensors of the snapshot do not fit its parameters`)
  return { seen: Number(parameters['tokens']), weight, sum, centre }
}

function squaredDistance(keys: Float32Array, at: number, centre: Float64Array): number {
  let total = 0
  for (let c = 0; c < centre.length; c++) {
    const gap = keys[at + c]! - centre[c]!
    total += gap * gap
  }
  return total
}
