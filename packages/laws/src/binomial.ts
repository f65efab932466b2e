/** The smallest k with P[Bin(trials, p) > k] ≤ alarm: more failures refute a failure probability of at most p. */
export function mostFailures(trials: number, p: number, alarm: number): number {
  let k = trials
  for (let above = 0; k > 0; k--) {
    above += chance(trials, p, k)
    if (above > alarm) break
  }
  return k
}

/** The largest k with P[Bin(trials, p) < k] ≤ alarm: fewer failures refute a failure probability of at least p. */
export function leastFailures(trials: number, p: number, alarm: number): number {
  let k = 0
  for (let below = 0; k <= trials; k++) {
    below += chance(trials, p, k)
    if (below > alarm) break
  }
  return k
}

/** The probability P[Bin(trials, p) = k]. */
export function chance(trials: number, p: number, k: number): number {
  let log = k === 0 ? 0 : k * Math.log(p)
  log += (trials - k) * Math.log1p(-p)
  for (let i = 1; i <= k; i++) log += Math.log((trials - k + i) / i)
  return Math.exp(log)
}
