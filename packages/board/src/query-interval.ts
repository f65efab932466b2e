/** Runs of successive queries that an interval is told from. */
const RUNS = 16
/** Fewer queries than these, two a run, tell none. */
const LEAST = 2 * RUNS
/** Student's 97.5 % point for 15 degrees of freedom. */
const STUDENT = 2.131

/**
 * The 95 % interval of √(Σ squared distances / Σ squared lengths), where the queries are a sample of those to come.
 * Source: the delta method over batch means (Conway, 1963): neighbours are alike, runs of them much less. Deviation: on a scale of logarithms, since the number is a
 *   ratio of sums that are > 0.
 *
 * Guarantee: it holds the value over all queries to come in some 95 of 100 samples where 16 runs are long against the time over which queries stay alike, and too
 *   seldom where they are not.
 *
 * @param distances, lengths  squared, of one query each, in the order of the queries
 * @returns undefined of fewer than 32 queries, or where nothing has a length
 */
export function queryInterval(
  distances: Float64Array,
  lengths: Float64Array,
): readonly [low: number, high: number] | undefined {
  const total = sum(lengths)
  const off = sum(distances)
  if (distances.length < LEAST || !(total > 0)) return undefined
  if (off === 0) return [0, 0]
  let squares = 0
  for (let run = 0; run < RUNS; run++) {
    const [from, to] = [0, 1].map((side) => Math.round(((run + side) * distances.length) / RUNS)) as [number, number]
    squares += (sum(distances.subarray(from, to)) / off - sum(lengths.subarray(from, to)) / total) ** 2
  }
  const error = Math.sqrt(off / total)
  // Half, since the root's logarithm is half the ratio's.
  const spread = Math.exp((STUDENT / 2) * Math.sqrt((RUNS / (RUNS - 1)) * squares))
  return [error / spread, error * spread]
}

function sum(numbers: Float64Array): number {
  return numbers.reduce((a, b) => a + b, 0)
}
