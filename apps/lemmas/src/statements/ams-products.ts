import type { Statement } from '../statement.ts'
import { ANGLE, EPSILON, ROWS } from './product-controls.ts'

export const amsProducts: Statement = {
  name: 'ams-products',
  title: 'Lemma 3.5 for random signs (AMS)',
  says: 'With ⌈2/(ε²δ)⌉ rows of random signs, the product of two sketches misses ⟨u, v⟩ by more than ε·|u|·|v| with probability at most δ = 0.1. The paper asks for log(1/δ)/ε² rows, an eighth of these, and that is false: take fewer rows and see.',
  fresh: 'matrices',
  trials: 400,
  allowed: 0.1,
  controls: [EPSILON, ROWS, ANGLE],
}
