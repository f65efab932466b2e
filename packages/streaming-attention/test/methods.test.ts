// The records of the streams of constant size: names, bytes, budgets, options, snapshots, and the laws of the stream that a roomy budget makes.
// Kills, over the mistakes that the laws list: a map's spec not counted, weights of waiting tokens left out of bytes, a budget overstepped.
import { methodLaws } from '@sublinear/laws'
import { describe, test } from 'vitest'
import { anisotropicMethod, closureMethod, firstOrderMethod, meanMethod, taylorMethod } from '../src'

describe('mean', () => {
  for (const law of methodLaws(meanMethod, { options: [{ buffer: 7 }, {}], error: 0.5 })) test(law.name, law.run)
})
describe('firstOrder', () => {
  for (const law of methodLaws(firstOrderMethod, { options: [{ buffer: 7 }, {}], error: 0.3 })) test(law.name, law.run)
})
describe('closure', () => {
  const options = [{ clusters: 3 }, { clusters: 2, buffer: 5 }]
  for (const law of methodLaws(closureMethod, { options, error: 0.2 })) test(law.name, law.run)
})
describe('taylor', () => {
  for (const law of methodLaws(taylorMethod, { error: 0.05, long: 65_700 })) test(law.name, law.run)
})
describe('anisotropic', () => {
  for (const law of methodLaws(anisotropicMethod, { error: 0.05, long: 65_700 })) test(law.name, law.run)
})
