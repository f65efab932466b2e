import type { Regime, RegimeFigures } from './regime'

export interface Spread {
  readonly rms: number
  readonly largest: number
}

export interface Findings {
  readonly tokens: number
  readonly d: number
  readonly dv: number
  readonly scale: number
  readonly rowsLookedAt: number
  /** Number of rows with the largest norms among those looked at. */
  readonly largestLookedAt: number
  /** Bound on the scores, keys centred, of every row that was not looked at: its norm times the largest norm of a key. */
  readonly unseenRadius: number
  readonly queryNorm: Spread
  readonly keyNorm: Spread
  readonly centredKeyNorm: Spread
  readonly valueNorm: Spread
  /** Smallest and largest scale·⟨q, k⟩ over visible pairs, and the same with the mean key subtracted. */
  readonly scores: readonly [number, number]
  readonly centredScores: readonly [number, number]
  /** Mean over rows of exp(entropy of the row's attention). */
  readonly effectiveKeys: number
  /** Mean over output columns of |y − y_k| / |y|, where y_k keeps the k largest entries, for k a 64th, a 16th and a quarter of the rows. */
  readonly columnTails: { readonly '1/64': number; readonly '1/16': number; readonly '1/4': number }
  /** Degree of the Taylor features that are within 10 % on the centred range, and their number: null beyond degree 20, where float32 ends. */
  readonly degree: number | null
  readonly features: number | null
  /** Kind of head, and the errors of streams on other heads of its kind: medians by budget and stream. */
  readonly regime: Regime
  readonly predicted: RegimeFigures
  readonly verdicts: readonly string[]
}
