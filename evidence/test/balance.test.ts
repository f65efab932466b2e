// BalanceKV's Figures 1 and 3, the space between its bounds, and moments with a coreset, against their committed results. Kills: results that this
// code did not write, sections and pictures edited by hand, a greedy walk that gains nothing on diffuse tokens, a rate of sampling.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { diffuseHead } from '../kit/diffuse-head.ts'
import { balanceMoments, measured } from '../balance-moments/ask.ts'
import { balanceRates, ratesOf } from '../balance-rates/ask.ts'
import { balanceSpace, spaceOf } from '../balance-space/ask.ts'
import { fullResultOf, resultOf, withAnswer, type Experiment, pageText } from '../kit/experiment.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

const isShown = <Result>(experiment: Experiment<Result>) => {
  const result = resultOf(experiment)
  expect(withAnswer(pageText(experiment), experiment, result), experiment.name).toBe(pageText(experiment))
  expect(experiment.picture?.(result), experiment.name).toBe(read(`../${experiment.name}/picture.svg`))
}

test('sections and pictures say what the results say', () => {
  isShown(balanceRates)
  isShown(balanceSpace)
  isShown(balanceMoments)
})

test('Figure 1: greedy and pairs are a third nearer than uniform on diffuse tokens, at every rate', () => {
  const committed = resultOf(balanceRates)
  const errorsOf = (layer: string, method: string) =>
    committed.find((one) => one.layer === layer && one.method === method && one.block === 256)!.errors
  for (const [i, uniform] of errorsOf('diffuse 0.5', 'uniform sample').entries()) {
    expect(errorsOf('diffuse 0.5', 'greedy')[i] / uniform).toBeLessThan(0.67)
    expect(errorsOf('diffuse 0.5', 'pairs')[i] / uniform).toBeLessThan(0.67)
  }
  const again = ratesOf('diffuse 0.5', [diffuseHead(8192, 512, 64, 0.5, 11)], [256], [1])
  for (const { method, errors } of again)
    for (const [i, error] of errors.entries()) expect(error / errorsOf('diffuse 0.5', method)[i]).toBeCloseTo(1, 0)
  expect(fullResultOf(balanceRates)!.some(({ layer }) => layer === 'sharp 3')).toBe(true)
})

test('Figure 3: on diffuse tokens the error falls with the block', () => {
  const own = resultOf(balanceRates).filter(({ layer, method }) => layer === 'diffuse 0.5' && method === 'greedy')
  expect(own.map(({ block }) => block)).toEqual([64, 128, 256])
  for (let i = 1; i < own.length; i++)
    for (const [r, error] of own[i].errors.entries()) expect(error).toBeLessThan(own[i - 1].errors[r])
})

test('an error takes fewer numbers than sampling does, and more than the lower bound', () => {
  const committed = resultOf(balanceSpace)
  const at = (method: string, tokens: number) =>
    committed.find((one) => one.norm === 1 && one.method === method && one.numbers === tokens * 33)!.epsilon
  expect(at('greedy', 2048) / at('uniform sample', 2048)).toBeLessThan(0.5)
  const again = spaceOf(1, [512], [1])
  for (const { method, epsilon } of again) expect(epsilon / at(method, 512)).toBeCloseTo(1, 0)
})

test('moments and a coreset: measured again on one diffuse set', () => {
  const committed = resultOf(balanceMoments).filter(({ set }) => set === 'diffuse 0.5')
  const again = measured('diffuse 0.5', [diffuseHead(8192, 512, 32, 0.5, 21)], [1])
  for (const { method, share, bytes, error } of again) {
    const kept = committed.find((one) => one.method === method && one.share === share)!
    expect(bytes).toBeCloseTo(kept.bytes, -3)
    expect(error / kept.error).toBeCloseTo(1, 0)
  }
})
