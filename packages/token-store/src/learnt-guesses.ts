import { blankGuesses, LINK, rowGuess, type Guesses } from './row-guess'

/** Shifts by which a mean may follow; 0 stays. */
const SHIFTS = [0, 2, 3, 4]
/** Rows of a block, before which means begin anew. */
const BLOCK = 64
/** Widest rows whose coordinates are linked: the work grows with the cube. */
const WIDEST = 256
/** Most rows that links are learnt from, spread evenly. */
const SEEN = 1024
/** Ridge of the fit of links, as a share of each spread. */
const RIDGE = 0.001
/** Least number by which log₂(x) is at least 2.885·(x − 1)/(x + 1) for x ≥ 1: 2/ln 2. */
const LOG = 2.885

/** The mean size of what guesses miss, by coordinate, times the rows. */
type Missed = Float64Array

/** Gives every row to `see`, after the guesses for it; returns the sums of what they miss. */
export function missedBy(
  codes: Int32Array,
  rows: number,
  by: Guesses,
  see?: (off: Float64Array, r: number) => void,
): Missed {
  const width = by.mean.length
  const guess = rowGuess(width)
  const out = new Float64Array(width)
  for (let r = 0, at = 0; r < rows; r++) {
    if (r % BLOCK === 0) guess.begin(by)
    for (let c = 0; c < width; c++, at++) {
      out[c] += Math.abs(codes[at] - guess.next(c))
      guess.take(c, codes[at], r % BLOCK)
    }
    see?.(guess.off, r)
  }
  return out
}

/** Means of rows, rounded. */
export function meansOf(codes: Int32Array, rows: number, width: number): Int16Array {
  return Int16Array.from({ length: width }, (_, c) => {
    let sum = 0
    for (let at = c; at < rows * width; at += width) sum += codes[at]
    return Math.round(sum / Math.max(1, rows))
  })
}

/**
 * Learns from rows how their codes are best guessed: for every coordinate, whether its mean stays or how fast it follows; and links to earlier coordinates
 * where these save more bytes than the links take.
 *
 * Guarantee: a function of the rows, in + − × ÷ alone: the same on every engine.
 * Cost: five passes over the rows, and width²/2 operations for each of at most 1024 of them; width³/3 operations.
 *
 * @param codes  rows × width, whole blocks but the last; standing  number of rows that these stand for, where they are a sample
 */
export function learntGuesses(codes: Int32Array, rows: number, width: number, standing = rows): Guesses {
  const blank = { ...blankGuesses(width), mean: meansOf(codes, rows, width) }
  if (rows < BLOCK) return blank
  const tried = SHIFTS.map((shift) => missedBy(codes, rows, { ...blank, follow: new Uint8Array(width).fill(shift) }))
  const best = Uint8Array.from({ length: width }, (_, c) =>
    tried.reduce((least, missed, i) => (missed[c] < tried[least][c] ? i : least), 0),
  )
  const alone = Float64Array.from(best, (i, c) => tried[i][c])
  const followed = { ...blank, follow: best.map((i) => SHIFTS[i]) }
  if (width > WIDEST) return followed
  const power = Uint8Array.from(alone, (sum) => 31 - Math.clz32(Math.max(1, Math.round(sum / rows))))
  const all = { ...followed, power, links: linksOf(spreadOf(codes, rows, { ...followed, power }), width) }
  const linked = missedBy(codes, rows, all)
  const pays = (c: number) => LOG * standing * (alone[c] - linked[c]) > 8 * (c + 1) * (alone[c] + linked[c])
  return { ...all, links: all.links.map((own, c) => (c > 0 && pays(c) ? own : undefined)) }
}

/** Sums of the products of distances from the means: width × width, the lower half. */
function spreadOf(codes: Int32Array, rows: number, by: Guesses): Float64Array {
  const width = by.mean.length
  const out = new Float64Array(width * width)
  const each = Math.ceil(rows / SEEN)
  missedBy(codes, rows, by, (off, r) => {
    if (r % each !== 0) return
    for (let i = 0; i < width; i++) {
      const own = off[i]
      if (own === 0) continue
      for (let j = 0, at = i * width; j <= i; j++) out[at++] += own * off[j]
    }
  })
  return out
}

/** Computes links from sums of products S = L·D·Lᵀ with ones on the diagonal of L: those of a row are that row of 1 − L⁻¹. */
function linksOf(spread: Float64Array, width: number): Int8Array[] {
  const lower = new Float64Array(width * width)
  const inverse = new Float64Array(width * width)
  const left = new Float64Array(width) // the diagonal of D
  return Array.from({ length: width }, (_, i) => {
    const row = i * width
    for (let j = 0; j <= i; j++) {
      let sum = spread[row + j] * (i === j ? 1 + RIDGE : 1)
      for (let k = 0; k < j; k++) sum -= lower[row + k] * lower[j * width + k] * left[k]
      if (j < i) lower[row + j] = left[j] > 0 ? sum / left[j] : 0
      else left[i] = sum
    }
    for (let j = 0; j < i; j++) {
      let sum = -lower[row + j]
      for (let k = j + 1; k < i; k++) sum -= lower[row + k] * inverse[k * width + j]
      inverse[row + j] = sum
    }
    return Int8Array.from({ length: i }, (_, j) => Math.max(-127, Math.min(127, Math.round(-LINK * inverse[row + j]))))
  })
}
