import type { Statement } from '../statement.ts'
import { ANGLE, EPSILON, ROWS } from './product-controls.ts'

export const amsProducts: Statement = {
  name: 'ams-products',
  title: 'Lemma 3.5 for random signs (AMS)',
  says: 'With ⌈2/(ε²δ)⌉ rows of random signs, the product of two sketches misses ⟨u, v⟩ by more than ε·|u|·|v| with probability at most δ = 0.1. The paper asks for O(log(1/δ)/ε²) rows, and for signs that are 4-wise independent no such number does for every δ. Take fewer rows and see where δ breaks.',
  fresh: 'matrices',
  trials: 400,
  allowed: 0.1,
  controls: [EPSILON, ROWS, ANGLE],
}
