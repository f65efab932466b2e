import type { Statement } from '../statement.ts'
import { amsProducts } from './ams-products.ts'
import { featureAnswers } from './feature-answers.ts'
import { featureDegree } from './feature-degree.ts'
import { gaussianProducts } from './gaussian-products.ts'
import { halving } from './halving.ts'
import { recovery } from './recovery.ts'

/** Statements that can be tried, in the order of the papers. */
export const statements: readonly Statement[] = [
  featureDegree,
  featureAnswers,
  gaussianProducts,
  amsProducts,
  recovery,
  halving,
]

/** The statement of a name; undefined where there is none. */
export function statementOf(name: string | undefined): Statement | undefined {
  return statements.find((one) => one.name === name)
}
