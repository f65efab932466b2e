import { mcnemar } from '@sublinear/small-lm'
import { LENGTHS, MODELS } from './cells.ts'
import { learningMethod, LEARNING_SHARES } from './learning.ts'
import { askedOf, bitsPerByteOf, cellOf, disagreements, rightOf, type Evidence } from './results.ts'
import { chanceName, NONE, shareName, table } from './tables.ts'

/** A recipe for each head, and a stream that chooses by its first tokens: right answers, how likely exact attention has so many more by chance, and bits. */
export function learningTable(evidence: Evidence): string {
  const places = MODELS.flatMap((model) =>
    LENGTHS.flatMap((tokens) => LEARNING_SHARES.map((share) => ({ model, tokens, share }))),
  )
  return table(
    [
      'model',
      'tokens',
      'bytes',
      'of',
      'exact',
      'auto',
      'p',
      '`learn: true`',
      'p',
      'bits, more by: auto',
      '`learn: true`',
    ],
    places.map((place) => {
      const exact = cellOf(evidence, place, 'exact')!
      const own = ['auto', learningMethod.name].map((method) => cellOf(evidence, place, method))
      const bits = bitsPerByteOf(exact)
      return [
        place.model,
        String(place.tokens),
        shareName(place.share),
        String(askedOf(exact)),
        String(rightOf(exact)),
        ...own.flatMap((cell) =>
          cell ? [String(rightOf(cell)), chanceName(mcnemar(disagreements(cell, exact)))] : [NONE, NONE],
        ),
        ...own.map((cell) => {
          const found = cell && bitsPerByteOf(cell)
          return found === undefined || bits === undefined ? NONE : (found - bits).toFixed(3)
        }),
      ]
    }),
  )
}
