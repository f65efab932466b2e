import type { Statement } from '../statement.ts'

/** Walks to choose from, by their place in the list. */
export const WALKS = ['theory', 'greedy', 'pairs', 'uniform'] as const

export const halving: Statement = {
  name: 'halving',
  title: 'Theorem 3.3: one halving of 64 tokens',
  says: 'Half of the tokens, each for two, move the sum of a query by at most √dv·c·e^(scale·|q|²/2) times the largest token, c = 30·ln(64/δ), with probability 1 − δ, δ = 0.1. The bound is far away: claim 0.5 % of it, and see which walk keeps it.',
  fresh: 'walks',
  trials: 400,
  allowed: 0.1,
  controls: [
    { name: 'walk', label: 'walk', least: 0, most: WALKS.length - 1, step: 1, usual: 0, names: WALKS },
    { name: 'norm', label: 'mean norm of queries and keys', least: 0.5, most: 2, step: 0.25, usual: 1 },
    {
      name: 'claim',
      label: 'share of the bound that is claimed',
      least: 0.005,
      most: 1,
      step: 0.005,
      usual: 1,
      unit: '%',
    },
  ],
}
