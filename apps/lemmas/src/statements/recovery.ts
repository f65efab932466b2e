import type { Statement } from '../statement.ts'

export const recovery: Statement = {
  name: 'recovery',
  title: 'Lemma 3.7: the large entries, found again',
  says: 'From m measurements the decoder finds k of 10,007 entries, and what it gives is within (1 + ε) times the best possible error, the norm without the k largest entries, but for one time in 1000. The sizes are those that we measured, not proved. Claim a smaller share of ε until it fails.',
  fresh: 'matrices Φ',
  trials: 200,
  allowed: 0.001,
  controls: [
    { name: 'k', label: 'k', least: 2, most: 8, step: 2, usual: 8 },
    { name: 'epsilon', label: 'ε', least: 0.2, most: 0.5, step: 0.1, usual: 0.5 },
    { name: 'claim', label: 'share of ε that is claimed', least: 0, most: 1, step: 0.05, usual: 1, unit: '%' },
    {
      name: 'input',
      label: 'vector',
      least: 0,
      most: 1,
      step: 1,
      usual: 0,
      names: ['spikes in noise', 'falls off as 1/rank'],
    },
  ],
}
