/** The smallest k with P[Bin(trials, p) > k] ≤ alarm: more failures refute a failure probability of at most p. */
export function mostFailures(trials: number, p: number, alarm: number): number {
  if (p === 0) return 0
  let k = trials
  let log = trials * Math.log(p) // of P[Bin(trials, p) = k]
  for (let above = 0; k > 0; k--) {
    above += Math.exp(log)
    if (above > alarm) break
    log += Math.log(k / (trials - k + 1)) - Math.log(p) + Math.log1p(-p)
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
