import type { Statement } from '../statement.ts'

/** Relative errors to choose from, by their place in the list. */
export const ERRORS = [0.1, 0.01, 0.001] as const

export const featureDegree: Statement = {
  name: 'feature-degree',
  title: 'Lemma 3.1, part 1: the degree that suffices',
  says: 'While no score is beyond R, features of the degree that degreeFor gives are within the relative error ε of exp at every score. A degree less is too few: scores near the ends of [−R, R] fail.',
  fresh: 'pairs of a query and a key',
  trials: 4000,
  allowed: 0,
  controls: [
    { name: 'radius', label: 'R', least: 0.5, most: 4, step: 0.5, usual: 1 },
    {
      name: 'error',
      label: 'ε',
      least: 0,
      most: ERRORS.length - 1,
      step: 1,
      usual: 1,
      names: ERRORS.map(String),
    },
    { name: 'kind', label: 'polynomial', least: 0, most: 1, step: 1, usual: 0, names: ['Taylor', 'minimax'] },
    { name: 'less', label: 'degrees left out', least: 0, most: 3, step: 1, usual: 0 },
  ],
}
