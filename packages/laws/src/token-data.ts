import { philox, rowsOf, type KvBlock, type Matrix, type PartialSoftmax, type Shape } from '@sublinear/core'

/** Makes `count` numbers from −1 to 1, a function of (seed, lane). */
export function uniforms(count: number, seed: number, lane: number): Float32Array {
  const out = new Float32Array(count)
  const words = new Uint32Array(4)
  for (let i = 0; i < count; i++) {
    philox(words, seed, 0, i, lane, 0, 0)
    out[i] = (words[0] - 2 ** 31) / 2 ** 31
  }
  return out
}

export interface Tokens {
  readonly block: KvBlock
  /** Query rows, `groups` for each token. */
  readonly queries: Matrix
}

/** Makes n random tokens and their queries, with |scale · ⟨q, k⟩| ≤ scores; weights, where asked for, are 1 to 4. */
export function randomTokens(
  { d, dv, scale }: Shape,
  n: number,
  {
    seed,
    scores,
    weighted = false,
    groups = 1,
  }: { seed: number; scores: number; weighted?: boolean | undefined; groups?: number | undefined },
): Tokens {
  const reach = Math.sqrt(scores / (Math.abs(scale) || 1) / d)
  const entries = (rows: number, cols: number, lane: number, factor: number): Matrix => ({
    rows,
    cols,
    data: uniforms(rows * cols, seed, lane).map((x) => x * factor),
  })
  const weights = uniforms(n, seed, 3).map((x) => 1 + Math.floor((x + 1) * 2))
  return {
    block: { keys: entries(n, d, 0, reach), values: entries(n, dv, 1, 1), ...(weighted && { weights }) },
    queries: entries(n * groups, d, 2, reach),
  }
}

/** Tokens from … to − 1. */
export function part({ keys, values, weights }: KvBlock, from: number, to: number): KvBlock {
  return {
    keys: rowsOf(keys, from, to),
    values: rowsOf(values, from, to),
    ...(weights && { weights: weights.subarray(from, to) }),
  }
}

/** Cuts the block into pieces of the given sizes, taken in turn until the tokens run out; the last piece may be shorter. */
export function* pieces(
  block: KvBlock,
  sizes: readonly number[],
): Generator<{ piece: KvBlock; from: number; to: number }> {
  const n = block.keys.rows
  const turn = sizes.some((size) => size > 0) ? sizes : [n || 1]
  for (let from = 0, i = 0; from < n; i++) {
    const to = Math.min(n, from + turn[i % turn.length])
    yield { piece: part(block, from, to), from, to }
    from = to
  }
}

/** The answer of a partial softmax: averages (rows × dv) and, for each row, the logarithm of its mass. */
export interface Answer {
  readonly averages: Float64Array
  readonly levels: Float64Array
}

export function answerOf({ max, mass, sum }: PartialSoftmax): Answer {
  const averages = Float64Array.from(sum.data, (x, i) => {
    const total = mass[Math.floor(i / sum.cols)]
    return total > 0 ? x / total : 0
  })
  return { averages, levels: mass.map((total, r) => max[r] + Math.log(total)) }
}

/** Computes softmax attention in float64 over the first visible(row) tokens, in two passes; it shares no code with any package. */
export function exactAnswer(block: KvBlock, queries: Matrix, shape: Shape, visible: (row: number) => number): Answer {
  const { d, dv, scale } = shape
  const averages = new Float64Array(queries.rows * dv)
  const levels = new Float64Array(queries.rows).fill(-Infinity)
  const shares = new Float64Array(block.keys.rows)
  for (let r = 0; r < queries.rows; r++) {
    const count = visible(r)
    let top = -Infinity
    for (let j = 0; j < count; j++) {
      let product = 0
      for (let c = 0; c < d; c++) product += queries.data[r * d + c] * block.keys.data[j * d + c]
      shares[j] = scale * product + Math.log(block.weights ? block.weights[j] : 1)
      top = Math.max(top, shares[j])
    }
    let total = 0
    for (let j = 0; j < count; j++) total += shares[j] = Math.exp(shares[j] - top)
    if (count > 0) levels[r] = top + Math.log(total)
    for (let j = 0; j < count; j++) {
      for (let c = 0; c < dv; c++) averages[r * dv + c] += (shares[j] / total) * block.values.data[j * dv + c]
    }
  }
  return { averages, levels }
}
