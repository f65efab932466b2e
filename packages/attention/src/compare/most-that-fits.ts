import { checkInteger, type AttentionStream, type Matrix, type Shape } from '@sublinear/core'

type Made = Pick<AttentionStream, 'bytes' | 'push' | 'step'> & Partial<Disposable>

export interface MostThatFits {
  /** An empty stream of a size: how many tokens it holds, or any other number that its bytes grow with. */
  readonly make: (size: number) => Made
  readonly shape: Shape
  readonly budgetBytes: number
  /** That will be pushed. */
  readonly tokens: number
  /** The largest size that makes sense. Default: `tokens`. */
  readonly most?: number
  /** Query rows a token: given, tokens are stepped with made-up queries, for streams that hold more once they have learnt. */
  readonly groups?: number
  /** Tokens pushed at once: those of a full buffer show its peak. Default 64. */
  readonly block?: number
}

const BLOCK = 64

/**
 * The largest size of a stream that never holds more than a budget: what the stream itself says it holds while tokens are pushed to it,
 * not a formula.
 *
 * @param make  from a size to an empty stream
 * @returns 0 where not even size 1 fits
 * @throws TypeError, RangeError when budgetBytes, tokens or most is no integer ≥ 1
 * Guarantee: the size found fits a stream of as many made-up tokens, and the next does not, where bytes grow with the size and not
 *   with what the tokens are. `compare` looks again at the real ones.
 * Cost: about nine streams filled, none more than four times as large as what fits.
 */
export function mostThatFits(options: MostThatFits): number {
  const { make, shape, budgetBytes, tokens, most = tokens, groups = 0, block = BLOCK } = options
  for (const [name, value] of Object.entries({ budgetBytes, tokens, most, block }))
    checkInteger('mostThatFits', name, value, 1)
  checkInteger('mostThatFits', 'groups', groups, 0)
  const peakOf = (size: number, enough: number) =>
    peakBytes(make(size), { shape, budgetBytes, tokens: Math.min(tokens, enough), groups, block })
  // Full several times over, a stream holds what it ever will; where one does not, look again with all tokens.
  const found = largest((size) => peakOf(size, 4 * size + 4 * BLOCK), budgetBytes, most)
  if (found === 0 || peakOf(found, tokens) <= budgetBytes) return found
  return largest((size) => peakOf(size, tokens), budgetBytes, most)
}

/** The largest size with a peak within the budget, where peaks grow with the size, close to a line. */
function largest(peakOf: (size: number) => number, budgetBytes: number, most: number): number {
  const peaks = new Map<number, number>() // of sizes that fit
  const fits = (size: number): boolean => {
    const peak = peakOf(size)
    if (peak <= budgetBytes) peaks.set(size, peak)
    return peak <= budgetBytes
  }
  if (!fits(1)) return 0
  let low = 1 // fits
  let high = most + 1 // does not, or is too many
  while (low + 1 < high) {
    const next = Math.min(4 * low, high - 1)
    if (!fits(next)) {
      high = next
      break
    }
    low = next
  }
  while (low + 1 < high) {
    const guess = guessed(peaks, low, budgetBytes)
    const next = guess > low && guess < high ? guess : (low + high) >> 1
    if (fits(next)) low = next
    else high = next
    if (low === next && low + 1 < high && !fits(low + 1)) high = low + 1
  }
  return low
}

/** Where the line through the two largest sizes that fit meets the budget. */
function guessed(peaks: ReadonlyMap<number, number>, low: number, budget: number): number {
  const before = Math.max(0, ...[...peaks.keys()].filter((size) => size < low))
  const slope = (peaks.get(low)! - (peaks.get(before) ?? 0)) / (low - before)
  return before > 0 && slope > 0 ? low + Math.floor((budget - peaks.get(low)!) / slope) : -1
}

type Filling = Required<Omit<MostThatFits, 'make' | 'most'>>

/** The most bytes held while made-up tokens are pushed; stops at the first that are too many. */
function peakBytes(made: Made, { shape, budgetBytes, tokens, groups, block: most }: Filling): number {
  const { d, dv } = shape
  let peak = made.bytes
  for (let from = 0; from < tokens && peak <= budgetBytes; from += most) {
    const rows = Math.min(most, tokens - from)
    const block = { keys: spread(rows, d, from), values: spread(rows, dv, from) }
    if (groups > 0) made.step(block, spread(rows * groups, d, from * groups))
    else made.push(block)
    peak = Math.max(peak, made.bytes)
  }
  made[Symbol.dispose]?.()
  return peak
}

/** Numbers in [−1, 1), no two rows alike: multiples of the golden ratio, which fill the interval evenly. */
function spread(rows: number, cols: number, first: number): Matrix {
  const from = first * cols
  const data = Float32Array.from({ length: rows * cols }, (_, i) => (Math.imul(from + i, 0x9e3779b1) | 0) / 2 ** 31)
  return { rows, cols, data }
}
