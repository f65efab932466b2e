// The spread of a summary that a sample judges. Kills: what the sample may lack left out, or in another power than the variance.
import { emptyPartial, emptySpread } from '@sublinear/core'
import { expect, test } from 'vitest'
import { judgedBy } from '../src/judged-spread'

const partial = () => ({ ...emptyPartial(1, 1), max: new Float32Array(1), mass: new Float64Array([4]) })
/** The spread of a summary judged by a sample that may lack so much. */
const of = (unseen: number) => {
  const spread = emptySpread(1, 1)
  for (const [name, x] of Object.entries({ level: 0, squares: 6, products: 5, weights: 2, fourths: 0.5, unseen }))
    spread[name as 'weights'][0] = x
  return judgedBy({ ...partial(), spread }, partial())
}

test('what the sample may lack makes its variance larger by that share, and its terms no more', () => {
  const [plain, larger] = [of(0), of(3)]
  for (const name of ['sampleSquares', 'sampleProducts', 'sampleWeights'] as const)
    expect(larger[name][0] / plain[name][0]).toBeCloseTo(2.5, 12)
  expect(larger.sampleFourths[0] / plain.sampleFourths[0]).toBeCloseTo(6.25, 12)
})
