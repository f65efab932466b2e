import { checkSeed, philox, seedWords, type Matrix, type Seed } from '@sublinear/core'

const WHO = 'compact'
/** Most keys that are chosen together: the work grows with their square, so a long prefix is cut into parts. */
const TOGETHER = 256
/** Largest exponent of the kernel; where keys have larger ones, all are divided by the same temperature. */
const LARGEST = 8
/** Power left to a key beside those chosen, as a share of its own, below which it is taken for a copy of them. */
const COPY = 1e-6
/** Smallest mass, as a multiple of the token's own weight. */
const LEAST = 0.01
/** Stream of random words of this choice. */
const STREAM = 0x6e797374

/** A prefix with weights. */
export interface Prefix {
  readonly keys: Matrix
  readonly values: Matrix
  readonly weights: Float32Array
}

/** Tokens that were chosen, in the order of the prefix, with the masses and values by which they stand for the others, too. */
export interface ChosenSet {
  readonly chosen: readonly number[]
  readonly masses: Float64Array
  readonly values: Float64Array
}

/**
 * Chooses tokens by randomly pivoted Cholesky of the kernel exp(scale·⟨k − k̄, l − k̄⟩) of keys, and gives all tokens to them by the weights by which the
 * kernel of each key is best written in theirs (Nyström): masses are sums of these weights, values are means under them. No questions are needed.
 * Source: WildCat (arXiv 2602.10056). Deviation: a temperature makes the largest exponent 8 where it is larger; a mass is at least a hundredth of the
 *   token's own weight, and a value stays within the values of its part, since streams take positive weights.
 *
 * Guarantee: a function of the prefix and the seed.
 * Cost: tokens · min(count, 256)² operations; a longer prefix is cut into parts of as many tokens each, which keep at most 256.
 *
 * @param count  from 1 to the number of tokens
 */
export function nystromSet(prefix: Prefix, scale: number, count: number, seed: Seed): ChosenSet {
  const { keys, values } = prefix
  const parts = Math.ceil(count / TOGETHER)
  const centred = centredKeys(prefix, scale)
  const [low, high] = seedWords(checkSeed(WHO, seed))
  const words = new Uint32Array(4)
  const at = (share: number, of: number) => Math.floor((share * of) / parts)
  const out = { chosen: [] as number[], masses: [] as number[], values: [] as number[] }
  for (let part = 0; part < parts; part++) {
    const from = at(part, keys.rows)
    const draw = (i: number) => {
      philox(words, low, high, i, part, 0, STREAM)
      return words[0] / 2 ** 32
    }
    const some = at(part + 1, count) - at(part, count)
    const factor = pivoted(centred, keys.cols, from, at(part + 1, keys.rows), some, draw)
    const found = sharedOut(prefix, factor, from)
    const order = Array.from(factor.pivots.keys()).toSorted((a, b) => factor.pivots[a] - factor.pivots[b])
    for (const j of order) {
      out.chosen.push(from + factor.pivots[j])
      out.masses.push(found.masses[j])
      for (let c = 0; c < values.cols; c++) out.values.push(found.values[j * values.cols + c])
    }
  }
  return { chosen: out.chosen, masses: Float64Array.from(out.masses), values: Float64Array.from(out.values) }
}

/** Keys less their weighted mean, scaled so that the kernel is exp of their inner products, of which none is above 8. */
function centredKeys({ keys, weights }: Prefix, scale: number): Float64Array {
  const { rows, cols, data } = keys
  const mean = new Float64Array(cols)
  let total = 0
  for (let t = 0; t < rows; t++) {
    total += weights[t]
    for (let c = 0; c < cols; c++) mean[c] += weights[t] * data[t * cols + c]
  }
  const out = Float64Array.from(data, (x, i) => x - mean[i % cols] / total)
  let longest = 0
  for (let t = 0; t < rows; t++) {
    let square = 0
    for (let c = 0; c < cols; c++) square += out[t * cols + c] ** 2
    longest = Math.max(longest, square)
  }
  const unit = Math.sqrt(longest > 0 ? Math.min(Math.abs(scale), LARGEST / longest) : 0)
  return out.map((x) => x * unit)
}

/** The lower factor of the kernel of some tokens on the keys that were chosen. */
interface Factor {
  /** Places of the chosen tokens in the part, in the order of the choice. */
  readonly pivots: readonly number[]
  /** tokens × most: the kernel divided by what each key has of its own, exp(|k|²/2), is about this times its transpose. */
  readonly lower: Float64Array
  readonly most: number
  /** exp(|k|²/2) by token. */
  readonly own: Float64Array
}

/** Chooses up to `most` of the keys from … to − 1, each with the probability of the power that those before leave it. */
function pivoted(
  keys: Float64Array,
  d: number,
  from: number,
  to: number,
  most: number,
  draw: (i: number) => number,
): Factor {
  const n = to - from
  const lower = new Float64Array(n * most)
  const square = Float64Array.from({ length: n }, (_, t) => {
    let sum = 0
    for (let c = 0, at = (from + t) * d; c < d; c++) sum += keys[at++] ** 2
    return sum
  })
  const own = square.map((one) => Math.exp(one / 2))
  const left = new Float64Array(n).fill(1) // of the kernel divided by what keys have of their own
  const pivots: number[] = []
  while (pivots.length < most) {
    let total = 0
    for (let t = 0; t < n; t++) total += left[t] * own[t] ** 2
    if (total === 0) break
    let place = draw(pivots.length) * total
    let pivot = -1
    for (let t = 0; t < n && place >= 0; t++) {
      if (left[t] === 0) continue
      place -= left[t] * own[t] ** 2
      pivot = t
    }
    const [j, root] = [pivots.length, Math.sqrt(left[pivot])]
    for (let t = 0; t < n; t++) {
      let inner = 0
      for (let c = 0, a = (from + t) * d, b = (from + pivot) * d; c < d; c++) inner += keys[a++] * keys[b++]
      let rest = Math.exp(inner - (square[t] + square[pivot]) / 2)
      for (let i = 0; i < j; i++) rest -= lower[t * most + i] * lower[pivot * most + i]
      lower[t * most + j] = rest / root
      left[t] -= (rest / root) ** 2
      if (left[t] < COPY) left[t] = 0
    }
    left[pivot] = 0
    pivots.push(pivot)
  }
  return { pivots, lower, most, own }
}

/** Gives masses and values of all tokens to the chosen ones, by the weights of Nyström: the solution X of LᵀX = FᵀB, L being the chosen rows of F. */
function sharedOut(
  { values, weights }: Prefix,
  { pivots, lower, most, own }: Factor,
  from: number,
): Pick<ChosenSet, 'masses' | 'values'> {
  const [n, count, dv] = [own.length, pivots.length, values.cols]
  const width = dv + 1
  const solved = new Float64Array(count * width)
  const [least, largest] = [new Float64Array(dv).fill(Infinity), new Float64Array(dv).fill(-Infinity)]
  for (let t = 0; t < n; t++) {
    const mass = weights[from + t] * own[t]
    const at = (from + t) * dv
    for (let j = 0; j < count; j++) {
      const one = lower[t * most + j] * mass
      if (one === 0) continue
      for (let c = 0; c < dv; c++) solved[j * width + c] += one * values.data[at + c]
      solved[j * width + dv] += one
    }
    for (let c = 0; c < dv; c++) {
      least[c] = Math.min(least[c], values.data[at + c])
      largest[c] = Math.max(largest[c], values.data[at + c])
    }
  }
  for (let i = count - 1; i >= 0; i--) {
    const diagonal = lower[pivots[i] * most + i]
    for (let c = 0; c < width; c++) {
      let sum = solved[i * width + c]
      for (let k = i + 1; k < count; k++) sum -= lower[pivots[k] * most + i] * solved[k * width + c]
      solved[i * width + c] = sum / diagonal
    }
  }
  const masses = new Float64Array(count)
  const out = new Float64Array(count * dv)
  for (const [j, t] of pivots.entries()) {
    const weight = weights[from + t]
    const mass = Math.max(LEAST * weight, solved[j * width + dv] / own[t])
    masses[j] = mass
    for (let c = 0; c < dv; c++) {
      const value = solved[j * width + c] / own[t] / mass
      out[j * dv + c] = Math.max(least[c], Math.min(largest[c], value))
    }
  }
  return { masses, values: out }
}
