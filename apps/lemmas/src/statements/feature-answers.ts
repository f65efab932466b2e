import type { Statement } from '../statement.ts'

export const featureAnswers: Statement = {
  name: 'feature-answers',
  title: 'Lemma 3.1, part 4: attention by features',
  says: 'Where every weight is within the relative error e, an answer is within 2·(1 − √(1 − e²))/e of the largest |v|. Here the values are the worst for the query: +1 where the features weigh a token too much, −1 elsewhere. Claim a smaller share of the bound until it fails.',
  fresh: 'streams of 64 tokens',
  trials: 400,
  allowed: 0,
  controls: [
    { name: 'radius', label: 'R', least: 0.5, most: 2, step: 0.25, usual: 1 },
    { name: 'degree', label: 'degree', least: 2, most: 8, step: 2, usual: 2 },
    {
      name: 'claim',
      label: 'share of the bound that is claimed',
      least: 0.05,
      most: 1,
      step: 0.05,
      usual: 1,
      unit: '%',
    },
  ],
}
