import { exactStream, featureStream, taylorFeatures, type AttentionStream, type Matrix } from '@sublinear/attention'

/** What a command's --stream, --degree and --centre describe. */
export interface StreamChoice {
  readonly stream: 'exact' | 'feature'
  readonly degree: number
}

export interface HeadShape {
  readonly d: number
  readonly dv: number
  readonly scale: number
}

/** A stream of the chosen kind for one head; `centre` is the key that feature streams subtract. */
export function makeStream(choice: StreamChoice, shape: HeadShape, centre: Float32Array): AttentionStream {
  if (choice.stream === 'exact') return exactStream(shape)
  const { d, dv, scale } = shape
  return featureStream({ features: taylorFeatures({ d, degree: choice.degree, scale, centre }), dv })
}

/** The mean row of a matrix' columns first … first + count − 1; zeros where it has no rows. */
export function meanRow(rows: Matrix, first = 0, count = rows.cols): Float32Array {
  const total = new Float64Array(count)
  for (let r = 0; r < rows.rows; r++) for (let c = 0; c < count; c++) total[c]! += rows.data[r * rows.cols + first + c]!
  return Float32Array.from(total, (x) => x / Math.max(1, rows.rows))
}
