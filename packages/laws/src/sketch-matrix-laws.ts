import { defined } from '@sublinear/core'
import type { Law } from './law'
import type { SketchCase, SketchMatrixLaws } from './sketch-case'
import { sketchColumnLaws } from './sketch-column-laws'
import { sketchStateLaws } from './sketch-state-laws'

/**
 * The laws of the SketchMatrix contract, alone and in sketches, for any implementation:
 * `for (const law of sketchMatrixLaws({ name, make })) test(law.name, law.run)`.
 *
 * Cost: some 10⁵ columns in all.
 *
 * @returns laws that throw where they are broken; inputs are random with a fixed seed
 */
export function sketchMatrixLaws({ name, ...options }: SketchMatrixLaws): Law[] {
  const matrix: SketchCase = {
    rows: [1, 5, 48],
    columns: 2 ** 53 - 1,
    differs: [],
    tolerance: 1e-5,
    ...defined(options),
  }
  const laws = [sketchColumnLaws, sketchStateLaws].flatMap((laws) => laws(matrix))
  return laws.map((law) => ({ ...law, name: `${name}: ${law.name}` }))
}
