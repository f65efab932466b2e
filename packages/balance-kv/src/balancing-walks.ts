/** A sign for every row of a block, decided in order. */
export interface Signs {
  /** Sign of each row, 1 or −1. */
  readonly signs: Int8Array
  readonly failures: number
}

/**
 * Signs tokens by the self-balancing walk: token j is signed against a = Σ_{i<j} ηᵢ·wᵢwⱼ·K_ij, which is kept for all tokens to come.
 *
 * @param sign  gives η of a token from its a and its coin; 0 where the walk has failed
 */
function walk(
  kernel: Float32Array,
  weights: Float32Array | undefined,
  luck: Float64Array,
  sign: (a: number, coin: number) => number,
): Signs {
  const m = luck.length
  const drift = new Float64Array(m)
  const signs = new Int8Array(m)
  for (let j = 0; j < m; j++) {
    const w = weights?.[j] ?? 1
    const eta = sign(w * drift[j], luck[j])
    signs[j] = eta
    const step = eta * w
    for (let i = j + 1, at = j * m + j + 1; i < m; i++, at++) drift[i] += step * kernel[at]
  }
  return { signs, failures: 0 }
}

/**
 * Signs by the walk of the analysis: η = +1 with probability ½ − a/(2cR²), where c = 30·ln(m/δ) and R² is the largest squared norm. Beyond |a| = cR² the walk has
 * failed: that is counted, and the sign is certain.
 */
export function theoryWalk(
  kernel: Float32Array,
  weights: Float32Array | undefined,
  luck: Float64Array,
  delta: number,
): Signs {
  const m = luck.length
  let most = 0
  for (let i = 0; i < m; i++) most = Math.max(most, kernel[i * m + i] * (weights?.[i] ?? 1) ** 2)
  const reach = walkConstant(m, delta) * most
  let failures = 0
  const { signs } = walk(kernel, weights, luck, (a, coin) => {
    if (Math.abs(a) > reach) failures++
    return reach > 0 ? (coin < 0.5 - a / (2 * reach) ? 1 : -1) : coin < 0.5 ? 1 : -1
  })
  return { signs, failures }
}

/** The constant c of the walk. */
export function walkConstant(m: number, delta: number): number {
  return 30 * Math.log(m / delta)
}

/** Signs against the drift, by a coin where there is none. Once one class has half of the tokens, the others go to the other class. */
export function greedyWalk(kernel: Float32Array, weights: Float32Array | undefined, luck: Float64Array): Signs {
  const most = Math.ceil(luck.length / 2)
  let [plus, minus] = [0, 0]
  return walk(kernel, weights, luck, (a, coin) => {
    const isPlus = plus === most ? false : minus === most || (a === 0 ? coin < 0.5 : a < 0)
    if (isPlus) plus++
    else minus++
    return isPlus ? 1 : -1
  })
}

/**
 * Decides for each pair (i, j) whether the second stays. Keeping i moves the sums by wⱼ(φᵢ − φⱼ), keeping j by −wᵢ(φᵢ − φⱼ); the one that leaves the drift
 * shorter is taken, a coin decides where both are equal.
 */
export function pairWalk(
  kernel: Float32Array,
  weights: Float32Array | undefined,
  rows: number,
  pairs: Uint32Array,
  luck: Float64Array,
): Uint8Array {
  const drift = new Float64Array(rows) // ⟨drift, φᵢ⟩
  const second = new Uint8Array(pairs.length / 2)
  for (let p = 0; p < second.length; p++) {
    const [i, j] = [pairs[2 * p], pairs[2 * p + 1]]
    const [wi, wj] = [weights?.[i] ?? 1, weights?.[j] ?? 1]
    const along = drift[i] - drift[j]
    const square = kernel[i * rows + i] + kernel[j * rows + j] - 2 * kernel[i * rows + j]
    // |drift + wⱼδ|² − |drift − wᵢδ|² over wᵢ + wⱼ
    const worse = 2 * along + (wj - wi) * square
    second[p] = worse > 0 ? 1 : worse < 0 ? 0 : luck[p] * (wi + wj) < wi ? 0 : 1
    const step = second[p] ? -wi : wj
    const [first, other] = [i * rows, j * rows]
    for (let r = 0; r < rows; r++) drift[r] += step * (kernel[first + r] - kernel[other + r])
  }
  return second
}
