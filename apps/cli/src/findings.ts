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
  /** How many of those with the largest norms are among them. */
  readonly largestLookedAt: number
  /** No score of a row that was not looked at, keys centred, is larger than this: its norm times the largest of a key. */
  readonly unseenRadius: number
  readonly queryNorm: Spread
  readonly keyNorm: Spread
  readonly centredKeyNorm: Spread
  readonly valueNorm: Spread
  /** Smallest and largest scale·⟨q, k⟩ over visible pairs, and the same with the mean key subtracted. */
  readonly scores: readonly [number, number]
  readonly centredScores: readonly [number, number]
  /** exp(entropy) of a row's attention: mean over rows. */
  readonly effectiveKeys: number
  /** Mean over output columns of |y − y_k| / |y|, y_k keeping the k largest, for k a 64th, a 16th and a quarter of the rows. */
  readonly columnTails: { readonly '1/64': number; readonly '1/16': number; readonly '1/4': number }
  /** Degrees of the Taylor features within 10 % on the centred range, and the number of features: null beyond degree 20, where float32 ends. */
  readonly degree: number | null
  readonly features: number | null
  /** The kind of head this is, and the errors of streams on others of its kind: medians by budget and stream. */
  readonly regime: Regime
  readonly predicted: RegimeFigures
  readonly verdicts: readonly string[]
}
