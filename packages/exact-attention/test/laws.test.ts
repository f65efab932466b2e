// The laws of every attention stream, for the growing cache. Kills, over the mistakes that the laws list: pages that depend on how
// the stream was cut, log weights that bytes does not count, a bias lost at a page's border, merge of a stream of another shape.
import { attentionStreamLaws } from '@sublinear/laws'
import { describe, test } from 'vitest'
import { exactStream, restoreExactStream } from '../src'

const shapes = [
  { d: 1, dv: 1, scale: 1 },
  { d: 8, dv: 5, scale: 1 / Math.sqrt(8) },
  { d: 3, dv: 16, scale: -0.5 },
]

describe.each(shapes)('exactStream %o', (shape) => {
  const laws = attentionStreamLaws({
    name: 'exactStream',
    make: () => exactStream(shape),
    restore: restoreExactStream,
    differs: {
      d: () => exactStream({ ...shape, d: shape.d + 1 }),
      dv: () => exactStream({ ...shape, dv: shape.dv + 1 }),
      scale: () => exactStream({ ...shape, scale: shape.scale * 2 }),
    },
  })
  for (const law of laws) test(law.name, law.run)
})
