/** Targets of a fit for some questions: the share of each chosen token, and the exact answers. */
export interface Wanted {
  readonly rows: number
  readonly count: number
  /** exp(score) of each chosen token over the mass of all tokens: rows × count, at most 1 over its weight. */
  readonly shares: Float64Array
  /** Exact answers: rows × dv. */
  readonly answers: Float64Array
  readonly dv: number
}

/** Rounds of the fit of masses. */
const ROUNDS = 60
/** Strength of the pull of each mass towards the token's own weight, as a share of the demand on an average token. */
const HELD = 0.01
/** Smallest mass of a fit, as a multiple of the token's own weight. */
const LEAST = 1e-6

/**
 * Fits masses by nonnegative least squares, so that for every question the chosen tokens have the mass of all tokens.
 * Source: Attention Matching (arXiv 2602.16284). Deviation: multiplicative updates (Lee and Seung, 2001) start from the tokens' own weights, and a small term pulls the masses towards them.
 *
 * Guarantee: every mass is positive. Cost: 60 times 4·rows·count operations.
 */
export function fittedMasses({ rows, count, shares }: Wanted, own: Float64Array): Float64Array {
  const asked = new Float64Array(count)
  for (let i = 0; i < shares.length; i++) asked[i % count] += shares[i]
  const held = (HELD * asked.reduce((a, b) => a + b, 0)) / count || LEAST
  const factor = new Float64Array(count).fill(1) // of the own weight
  for (let round = 0; round < ROUNDS; round++) {
    const given = new Float64Array(count)
    for (let r = 0, at = 0; r < rows; r++, at += count) {
      let mass = 0
      for (let j = 0; j < count; j++) mass += shares[at + j] * own[j] * factor[j]
      for (let j = 0; j < count; j++) given[j] += shares[at + j] * mass
    }
    for (let j = 0; j < count; j++) factor[j] *= (own[j] * asked[j] + held) / (own[j] * given[j] + held * factor[j])
  }
  return factor.map((one, j) => Math.max(LEAST, one) * own[j])
}

/** Computes the weights of the chosen tokens in the answer to each question: rows × count, each row sums to 1. */
export function answering({ rows, count, shares }: Wanted, masses: Float64Array): Float64Array {
  const out = new Float64Array(rows * count)
  for (let r = 0, at = 0; r < rows; r++, at += count) {
    let mass = 0
    for (let j = 0; j < count; j++) mass += out[at + j] = shares[at + j] * masses[j]
    if (mass > 0) for (let j = 0; j < count; j++) out[at + j] /= mass
  }
  return out
}

/**
 * Computes what to add to the tokens' values so that answers become exact: ridge least squares, solved in the dual, which has a row for each question.
 * Source: Attention Matching (arXiv 2602.16284). Deviation: the ridge pulls towards the tokens' own values.
 *
 * Cost: rows²·count operations for `gram`, rows³/3 for each ridge.
 *
 * @param weights  rows × count; missing  exact answers less those without the fit, rows × dv; gram  weights · weightsᵀ; ridge  as a multiple of the gram's mean diagonal entry
 * @returns count × dv
 */
export function addedValues(
  { rows, count, dv }: Pick<Wanted, 'rows' | 'count' | 'dv'>,
  weights: Float64Array,
  missing: Float64Array,
  gram: Float64Array,
  ridge: number,
): Float64Array {
  let trace = 0
  for (let r = 0; r < rows; r++) trace += gram[r * rows + r]
  const lower = cholesky(gram, rows, (ridge * trace) / rows)
  const solved = missing.slice()
  solve(lower, rows, solved, dv)
  const out = new Float64Array(count * dv)
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < count; j++) {
      const weight = weights[r * count + j]
      if (weight === 0) continue
      for (let c = 0; c < dv; c++) out[j * dv + c] += weight * solved[r * dv + c]
    }
  }
  return out
}

/** Computes weights · weightsᵀ: rows × rows. */
export function gramOf(weights: Float64Array, rows: number, count: number): Float64Array {
  const out = new Float64Array(rows * rows)
  for (let r = 0; r < rows; r++) {
    for (let s = 0; s <= r; s++) {
      let sum = 0
      for (let j = 0, a = r * count, b = s * count; j < count; j++) sum += weights[a++] * weights[b++]
      out[r * rows + s] = out[s * rows + r] = sum
    }
  }
  return out
}

/** Computes L of LLᵀ = matrix + shift·I, for a positive semidefinite matrix. */
function cholesky(matrix: Float64Array, n: number, shift: number): Float64Array {
  const out = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j] + (i === j ? shift : 0)
      for (let k = 0, a = i * n, b = j * n; k < j; k++) sum -= out[a++] * out[b++]
      out[i * n + j] = i === j ? Math.sqrt(Math.max(sum, Number.MIN_VALUE)) : sum / out[j * n + j]
    }
  }
  return out
}

/** Solves LLᵀ x = b in place, for `cols` columns. */
function solve(lower: Float64Array, n: number, b: Float64Array, cols: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) for (let c = 0; c < cols; c++) b[i * cols + c] -= lower[i * n + j] * b[j * cols + c]
    for (let c = 0; c < cols; c++) b[i * cols + c] /= lower[i * n + i]
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let j = i + 1; j < n; j++) for (let c = 0; c < cols; c++) b[i * cols + c] -= lower[j * n + i] * b[j * cols + c]
    for (let c = 0; c < cols; c++) b[i * cols + c] /= lower[i * n + i]
  }
}
