import type { Statement } from '../statement.ts'
import { ANGLE, EPSILON, ROWS } from './product-controls.ts'

export const gaussianProducts: Statement = {
  name: 'gaussian-products',
  title: 'Lemma 3.5 for Gaussian entries',
  says: 'With ⌈ln(2/δ)/(ε²/4 − ε³/6)⌉ rows of Gaussian entries, the product of two sketches misses ⟨u, v⟩ by more than ε·|u|·|v| with probability at most δ = 0.1. Vectors at an angle of 0° are the worst case: turn them, or take fewer rows, and see.',
  fresh: 'matrices',
  trials: 400,
  allowed: 0.1,
  controls: [EPSILON, ROWS, ANGLE],
}
