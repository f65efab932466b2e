import { checkFinite, checkInteger, checkObject } from '@sublinear/core'

/** Number of children of a node. */
export const BRANCH = 16
/** Rows of counters of every level of a tree. */
export const LEVEL_ROWS = 3
/** Rows of counters of the entries themselves. */
export const LEAF_ROWS = 5
export const TREES = 2
/**
 * Largest ε that saves measurements. With fewer than 8k counters, k equal entries fill so many that empty nodes look full: with 4k counters a quarter of the
 * seeds lost one of 8 sparse entries at n = 2^20, with 8k none of 400 did.
 */
const LARGEST_EPSILON = 0.5

export interface RecoverySize {
  /** Length of the vector, 1 … 2^32. */
  readonly n: number
  /** Number of entries that count as large. */
  readonly k: number
  /** Factor 1 + ε by which the error may exceed the best possible, 0 < ε ≤ 1; above ½ nothing is saved. */
  readonly epsilon: number
}

/** Layout of the measurements of energy trees. */
export interface RecoveryLayout extends RecoverySize {
  /** Size of a tree's positions: columns · lines ≥ n. */
  readonly columns: number
  readonly lines: number
  /** Number of counters in a row: ⌈4k/min(ε, ½)⌉. */
  readonly width: number
  /** Number of nodes of each level, finest first; the coarsest has at least `width`. */
  readonly nodes: readonly number[]
  /** Number of nonzeros of a column of Φ. */
  readonly nonzeros: number
  readonly m: number
}

/**
 * Computes the number of measurements that sparse recovery takes: Θ(k·log(εn/k)/ε) from energy trees; or n where that is at least n/4, since the vector
 * itself is then the better summary.
 * Source: Lemma 3.7 (one-pass paper), which has O(ε⁻¹k log n). Deviation: none.
 *
 * @returns m = ⌈4k/min(ε, ½)⌉·(6·levels + 5) with levels ≈ log₁₆(εn/4k), or n
 * @throws TypeError, RangeError when an option is out of its range
 * @example recoveryRows({ n: 2 ** 20, k: 64, epsilon: 0.5 }) // 8704
 */
export function recoveryRows(size: RecoverySize): number {
  checkObject('recoveryRows', size, 'size')
  const { n, m } = recoveryLayout('recoveryRows', size)
  return isDominated(n, m) ? n : m
}

/** Whether storing n numbers is the better summary than m measurements. */
export function isDominated(n: number, m: number): boolean {
  return m >= n / 4
}

export function recoveryLayout(who: string, { n, k, epsilon }: RecoverySize): RecoveryLayout {
  checkInteger(who, 'n', n, 1, 2 ** 32)
  checkInteger(who, 'k', k, 1, n)
  checkFinite(who, 'epsilon', epsilon, 0)
  if (epsilon > 1) throw new RangeError(`${who}: epsilon must be at most 1, got ${epsilon}`)
  const columns = Math.ceil(Math.sqrt(n))
  const lines = Math.ceil(n / columns)
  const width = Math.ceil((4 * k) / Math.min(epsilon, LARGEST_EPSILON))
  const nodes: number[] = []
  for (let count = columns * lines; ;) {
    count = Math.ceil(count / BRANCH)
    if (count < width && nodes.length > 0) break
    nodes.push(count)
    if (count <= width) break
  }
  const nonzeros = TREES * LEVEL_ROWS * nodes.length + LEAF_ROWS
  return { n, k, epsilon, columns, lines, width, nodes, nonzeros, m: width * nonzeros }
}
