import { featureDimension, featureStream, taylorFeatures } from '@sublinear/attention'
import { MOST_DEGREE, taylorRadius } from '@sublinear/poly-features'
import type { Findings } from './findings'
import { figureText, rateText } from './report'
import figures from './regime-figures.json'
import { FEW_KEYS, regimeOf, type Regime, type RegimeFigures } from './regime'

/** The regime, and the errors that were measured on heads of this regime. */
export function expected(scores: Parameters<typeof regimeOf>[0]): Pick<Findings, 'regime' | 'predicted'> {
  const regime = regimeOf(scores)
  return { regime, predicted: (figures as Record<Regime, RegimeFigures>)[regime] }
}

/** Writes the findings in words: a sentence for each premise of the papers, and one with the errors to expect. */
export function verdicts({
  tokens,
  d,
  dv,
  centredScores,
  degree,
  features,
  effectiveKeys,
  columnTails,
  regime,
  predicted,
  rowsLookedAt,
  unseenRadius,
}: Omit<Findings, 'verdicts'>): string[] {
  const radius = Math.max(-centredScores[0], centredScores[1])
  const bytes = features === null || degree === null ? Infinity : streamBytes(d, dv, degree, features)
  const breakEven = Math.ceil(bytes / (4 * (d + dv)))
  const wanted =
    degree === null || features === null
      ? 'a degree beyond float32 (over 20)'
      : `degree ${degree}, ${features > 1e6 ? rateText(features) : features} features`
  const couldReach = degree === null || unseenRadius > taylorRadius(degree, 0.1)
  const unseen = `${rowsLookedAt} of ${tokens} queries were looked at, among them those with the largest norms; scores of the others could reach ${unseenRadius.toFixed(1)}`
  const polynomial =
    breakEven <= tokens
      ? `Polynomial features (Lemma 3.1): ${couldReach ? `yes where it was looked (${unseen})` : 'yes'}. Degree ${degree}, ${features} features, is within 10 % ${couldReach ? 'of every pair looked at' : 'of every pair'}; smaller than the cache from ${breakEven} tokens on.`
      : `Polynomial features (Lemma 3.1): no guarantee in less memory than the cache. Scores reach ${radius.toFixed(1)} from the mean key, so 10 % on every pair takes ${wanted}; a lower degree may still be good on average: try attend --check.`
  const sparse =
    columnTails['1/16'] < 0.25
      ? `Sparse output columns (Theorem 4.1): yes. A sixteenth of the entries carries ${(100 * (1 - columnTails['1/16'] ** 2)).toFixed(0)} % of the energy.`
      : `Sparse output columns (Theorem 4.1): no. Keeping the largest sixteenth of each column loses ${(100 * columnTails['1/16']).toFixed(0)} % of its norm.`
  const spread =
    effectiveKeys >= FEW_KEYS
      ? `Attention is spread over ${effectiveKeys.toFixed(0)} keys a query: summaries of many tokens can work.`
      : `Attention is on ${effectiveKeys.toFixed(1)} keys a query: keep tokens, since a summary will miss them.`
  return [polynomial, sparse, spread, prediction(regime, predicted)]
}

/** Writes the errors to expect of a head of this kind, from heads that were measured. */
function prediction(regime: Regime, { heads, errors }: RegimeFigures): string {
  const budgets = Object.entries(errors).map(([budget, streams]) => {
    const [first, ...others] = Object.entries(streams).toSorted(([, a], [, b]) => a - b)
    const last = others.at(-1)!
    return `at ${budget}, ${first[0]} ${percent(first[1])} (${last[0]} ${percent(last[1])})`
  })
  return `This head is ${regime}. On ${heads} such heads of two small models, median error at a share of the float32 cache: ${budgets.join('; ')}.`
}

const percent = (error: number) => `${figureText(100 * error, error < 0.1 ? 2 : 3)} %`

/** The lowest even Taylor degree within 10 % on [−radius, radius]; even degrees stay positive beyond. */
export function degreeWithin(radius: number): number | null {
  for (let degree = 0; degree <= MOST_DEGREE; degree += 2) if (taylorRadius(degree, 0.1) >= radius) return degree
  return null
}

/** The bytes of a feature stream of this degree, without building a large one. */
function streamBytes(d: number, dv: number, degree: number, features: number): number {
  if (features > 1e5) return features * (4 * dv + 8)
  const stream = featureStream({ features: taylorFeatures({ d, degree, scale: 1, centre: new Float32Array(d) }), dv })
  const { bytes } = stream
  stream[Symbol.dispose]()
  return bytes
}

/** The number of features of a degree; null where there are too many to count. */
export function featuresOf(d: number, degree: number): number | null {
  try {
    return featureDimension(d, degree)
  } catch {
    return null
  }
}
