import { checkFinite, checkInteger, checkObject, checkSeed, philox, seedWords, type Seed } from '@sublinear/core'

export interface SamplerOptions {
  /** Divisor of the logits. 0: the largest logit is taken, of equals the first. Default 0. */
  readonly temperature?: number | undefined
  /** Number of largest logits among which is drawn. Default: all. */
  readonly topK?: number | undefined
  /** Share that the drawn tokens must reach together: the fewest are taken, largest first. Default 1: all. */
  readonly topP?: number | undefined
  /** Seed; needed where anything is drawn. */
  readonly seed?: Seed | undefined
}

/** The stream of Philox from which tokens are drawn. */
const STREAM = 0x746f6b65

/**
 * Chooses tokens by their logits.
 * Source: nucleus sampling (Holtzman et al. 2020) behind top-k and a temperature.
 *
 * Guarantee: a pure function of logits, options and index.
 * Cost: a pass over the logits; with topK or topP, a sort of those that remain.
 *
 * @returns a function that chooses token number `index` of a text from its logits
 * @throws TypeError, RangeError when an option is out of its range, or a seed is missing; from the function when a logit is NaN, or none is finite
 */
export function sampler(options: SamplerOptions = {}): (logits: Float32Array, index: number) => number {
  checkObject('sampler', options)
  const who = 'sampler'
  const { temperature = 0, topK = Infinity, topP = 1, seed } = options
  if (temperature !== 0) checkFinite(who, 'temperature', temperature, 0)
  if (topK !== Infinity) checkInteger(who, 'topK', topK, 1)
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`${who}: topP must be above 0 and at most 1, got ${topP}`)
  if (temperature === 0) return (logits) => largest(logits)
  if (seed === undefined) throw new TypeError(`${who}: seed must be given where the temperature is not 0`)
  const [low, high] = seedWords(checkSeed(who, seed))
  const words = new Uint32Array(4)
  return (logits, index) => {
    const top = logits[largest(logits)]
    const order = candidates(logits, topK, topP < 1)
    const shares = Float64Array.from(order, (i) => Math.exp((logits[i] - top) / temperature))
    const mass = shares.reduce((total, share) => total + share, 0)
    let count = 0
    let reached = 0
    while (count < order.length && reached < topP * mass) reached += shares[count++]
    philox(words, low, high, index, 0, 0, STREAM)
    let left = ((words[0] + words[1] / 2 ** 32) / 2 ** 32) * reached
    let at = 0
    while (at < count - 1 && left >= shares[at]) left -= shares[at++]
    return order[at]
  }
}

/** The indices of logits that may be drawn; sorted from the largest on where that matters. */
function candidates(logits: Float32Array, most: number, areSorted: boolean): Uint32Array {
  const all = Uint32Array.from(logits, (_, i) => i)
  if (most >= logits.length && !areSorted) return all
  return all.toSorted((a, b) => logits[b] - logits[a] || a - b).subarray(0, Math.min(most, logits.length))
}

/** The index of the largest entry; of equals, the first. */
export function largest(row: Float32Array): number {
  let best = 0
  for (let i = 0; i < row.length; i++) {
    if (Number.isNaN(row[i])) throw new RangeError('sampler: logits must be numbers, got NaN')
    if (row[i] > row[best]) best = i
  }
  if (!Number.isFinite(row[best]))
    throw new RangeError(`sampler: a logit must be finite, got ${row[best]} as the largest`)
  return best
}
