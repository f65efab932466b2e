import { checkFinite, checkInteger, checkObject } from '@sublinear/core'

/** Number of keys beyond which the load is no longer raised: at a fixed load, the chance of failure falls with k. */
const MOST_COUNTED = 512
const MOST_TABLES = 6
/** Most cells of a table: places have 20 bits. */
const MOST_CELLS = 2 ** 20

/**
 * Computes how many tables, of how many cells, let k keys be peeled off with probability at least 1 − δ.
 * Source: first moment of stopping sets. Peeling ends early only where for some s keys no table has a cell that exactly one of
 * them is in; the expected number of such sets is Σ_s C(k, s)·P(s, w)^h, P(s, w) being the chance that no cell holds exactly one of s keys in w cells:
 * s!/w^s times the coefficient of x^s in (e^x − x)^w. Not from the papers.
 *
 * @param k  keys, 1 … 2^18
 * @param delta  0 < δ < 1
 * @returns h tables of w cells with the least h·w
 * @throws TypeError, RangeError when an option is out of its range, or delta too small for tables of 2^20 cells
 * @example exactRecoveryTables({ k: 8, delta: 0.001 }) // { tables: 6, cells: 6 }
 */
export function exactRecoveryTables(options: { readonly k: number; readonly delta: number }): {
  readonly tables: number
  readonly cells: number
} {
  const { k, delta } = checkObject('exactRecoveryTables', options)
  const who = 'exactRecoveryTables'
  checkInteger(who, 'k', k, 1, 2 ** 18)
  checkFinite(who, 'delta', delta, 0)
  if (delta >= 1) throw new RangeError(`${who}: delta must be below 1, got ${delta}`)
  const counted = Math.min(k, MOST_COUNTED)
  const most = Math.floor((MOST_CELLS * counted) / k)
  let best: { tables: number; cells: number } | undefined
  for (let tables = 3; tables <= MOST_TABLES; tables++) {
    if (failureBound(counted, tables, most) > delta) continue
    let [low, high] = [1, most]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (failureBound(counted, tables, middle) > delta) low = middle
      else high = middle
    }
    const cells = Math.ceil((high * k) / counted)
    if (best === undefined || tables * cells < best.tables * best.cells) best = { tables, cells }
  }
  if (best === undefined)
    throw new RangeError(`${who}: delta must be what ${MOST_TABLES} tables of 2^20 cells reach, got ${delta}`)
  return best
}

/** The bound Σ_{s ≥ 2} C(k, s)·P(s, w)^h on the chance of failure. */
function failureBound(k: number, tables: number, cells: number): number {
  const none = noneAlone(k, cells)
  let sum = 0
  let choose = Math.log(k) // ln C(k, s)
  for (let s = 2; s <= k; s++) {
    choose += Math.log((k - s + 1) / s)
    sum += Math.exp(choose + tables * none[s])
  }
  return sum
}

/**
 * Computes ln P(s, w) for s ≤ k. With g = (e^x − x)^w, g′·(e^x − x) = w·(e^x − 1)·g gives the coefficients of g one after the other; they are
 * kept as p_s = s!·g_s/w^s, numbers between 0 and 1.
 */
export function noneAlone(k: number, w: number): Float64Array {
  const p = new Float64Array(k + 1)
  p[0] = 1
  // s·g_s + Σ_{j≥2} (s − j)·g_{s−j}/j! = w·Σ_{j≥1} g_{s−1−j}/j!; in p: g_{s−j}/j! = p_{s−j}·w^{s−j}/((s−j)!·j!).
  for (let s = 1; s <= k; s++) {
    let sum = 0
    let term = 1 // C(s, j)/w^j
    for (let j = 1; j <= s; j++) {
      term *= (s - j + 1) / (j * w)
      if (j >= 2) sum += term * p[s - j] * (w * j - (s - j)) // w·g_{s−j}/(j−1)! − (s−j)·g_{s−j}/j!
    }
    p[s] = Math.max(0, sum / s)
  }
  return p.map(Math.log)
}
