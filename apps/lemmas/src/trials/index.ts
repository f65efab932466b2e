import type { Prepare } from '../statement.ts'
import { amsProducts } from './ams-products.ts'
import { featureAnswers } from './feature-answers.ts'
import { featureDegree } from './feature-degree.ts'
import { gaussianProducts } from './gaussian-products.ts'
import { halving } from './halving.ts'
import { recovery } from './recovery.ts'

/** The trials of every statement, by its name. */
export const trials: Readonly<Record<string, Prepare>> = {
  'ams-products': amsProducts,
  'feature-answers': featureAnswers,
  'feature-degree': featureDegree,
  'gaussian-products': gaussianProducts,
  halving,
  recovery,
}
