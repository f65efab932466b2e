import {
  autoStream,
  closureStream,
  exactStream,
  farKeys,
  featureStream,
  sinks,
  taylorFeatures,
  tiers,
  window,
  type AttentionStream,
  type Matrix,
} from '@sublinear/attention'

/** The names that --stream takes. */
export const STREAMS = ['feature', 'exact', 'closure', 'window', 'far+closure', 'auto'] as const

/** What a command's --stream, --degree, --hold and --centre describe. */
export interface StreamChoice {
  readonly stream: (typeof STREAMS)[number]
  readonly degree: number
  /** Tokens that the window or the far keys hold; auto holds as many bytes as they would. */
  readonly hold: number
}

export interface HeadShape {
  readonly d: number
  readonly dv: number
  readonly scale: number
}

/** How many tokens come is not known. */
const ANY = Number.MAX_SAFE_INTEGER
/** Tokens at the start of the stream that a window keeps for good. */
const SINKS = 4

/** A stream of the chosen kind for one head; `centre` is the key that feature streams subtract. */
export function makeStream(choice: StreamChoice, shape: HeadShape, centre: Float32Array): AttentionStream {
  const { hold: count, degree } = choice
  const { d, dv, scale } = shape
  switch (choice.stream) {
    case 'exact':
      return exactStream(shape)
    case 'feature':
      return featureStream({ features: taylorFeatures({ d, degree, scale, centre }), dv })
    case 'closure':
      return closureStream(shape)
    case 'window':
      return tiers({ ...shape, parts: [sinks({ count: SINKS }), window({ count })] })
    case 'far+closure':
      return tiers({ ...shape, parts: [farKeys({ count }), closureStream] })
    case 'auto':
      return autoStream({ ...shape, budgetBytes: 4 * (d + dv) * count, tokens: ANY })
  }
}

/** What a report says of the choice beside its kind. */
export function detailsOf({ stream, degree, hold }: StreamChoice): Record<string, number> {
  if (stream === 'feature') return { degree }
  return ['window', 'far+closure', 'auto'].includes(stream) ? { hold } : {}
}

/** What each counter of a stream means, for its rows out of all. */
const COUNTED: Readonly<Record<string, string>> = {
  fallbacks: 'had a negative or vanishing mass and were answered by a lower degree',
  frozen: 'had scores spread wider than the closure can follow',
}

/** A line for every counter that is not zero; `rows` is how many answers were given in all. */
export function countersText(counters: Readonly<Record<string, number>>, rows: number): string[] {
  return Object.entries(COUNTED).flatMap(([name, meaning]) => {
    const count = counters[name] ?? 0
    return count > 0 ? [`${count} of ${rows} answers ${meaning}`] : []
  })
}

/** The mean row of a matrix' columns first … first + count − 1; zeros where it has no rows. */
export function meanRow(rows: Matrix, first = 0, count = rows.cols): Float32Array {
  const total = new Float64Array(count)
  for (let r = 0; r < rows.rows; r++) for (let c = 0; c < count; c++) total[c]! += rows.data[r * rows.cols + first + c]!
  return Float32Array.from(total, (x) => x / Math.max(1, rows.rows))
}
