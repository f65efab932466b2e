// Decoding time, end to end and Figure 1 against their committed results: times are not compared, what does not depend on the machine is.
// Kills: a section or table edited by hand, results that this code did not write (errors to four digits), a decoder that loses entries, a child
// that measures another way than its name says (the n × n array, 16.8 MB at n = 2048, present or absent).
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { columnOf, decodingTime } from '../decoding-time/ask.ts'
import { endToEnd, rowOf, syntheticTask } from '../end-to-end/ask.ts'
import { resultOf, withAnswer, type Experiment, pageText } from '../kit/experiment.ts'
import { figure1, peakOf } from '../figure-1/ask.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

const isShown = <Result>(experiment: Experiment<Result>) => {
  const result = resultOf(experiment)
  expect(withAnswer(pageText(experiment), experiment, result)).toBe(pageText(experiment))
  expect(experiment.picture?.(result)).toBe(read(`../${experiment.name}/picture.svg`))
}

test('sections and pictures say what the results say', () => {
  isShown(decodingTime)
  isShown(endToEnd)
  isShown(figure1)
})

test('a column decodes to all its large entries from as many measurements', () => {
  const { cells } = resultOf(decodingTime)
  for (const [n, k] of [
    [2 ** 16, 4],
    [2 ** 32, 16],
  ] as const) {
    const kept = cells.find((cell) => cell.n === n && cell.k === k)!
    const { m, decode } = columnOf(n, k)
    expect(m).toBe(kept.m)
    expect(decode()).toBe(k)
    expect(kept.found).toBe(k)
  }
  const at = (n: number) => cells.find((cell) => cell.n === n && cell.k === 16)!
  expect(at(2 ** 20).scan).toBeGreaterThan(10 * at(2 ** 20).decode)
  expect(at(2 ** 32).decode).toBeLessThan(4 * at(2 ** 16).decode)
})

test('a synthetic stream has the same errors and bytes again, none above the budget', () => {
  const { rows, budget } = resultOf(endToEnd)
  const kept = rows.find(({ data }) => data === 'Gaussian, std 0.5')!
  const methods = ['Algorithm 1', 'exact feature state', 'Gaussian closure']
  for (const { method, error, bytes } of rowOf([syntheticTask({ std: 0.5, clusters: 0 })], methods).methods) {
    const before = kept.methods.find((found) => found.method === method)!
    expect(error / before.error).toBeCloseTo(1, 3)
    expect(bytes).toBeLessThanOrEqual(1.01 * before.bytes) // a summary that has become smaller keeps its errors
    expect(bytes).toBeGreaterThan(0.8 * before.bytes)
  }
  for (const row of rows) {
    for (const { method, bytes } of row.methods)
      if (method !== 'exact attention') expect(bytes).toBeLessThanOrEqual(budget)
  }
})

test('the n × n way takes its array, exact attention in blocks does not', () => {
  const n = 2048
  const above = (way: 'plain' | 'blocks') => peakOf(way, n) - peakOf(way, 16)
  const array = (4 * n * n) / 1e6
  expect(above('plain')).toBeGreaterThan(0.9 * array)
  expect(above('plain')).toBeLessThan(2 * array)
  expect(above('blocks')).toBeLessThan(array / 2)
  const { lengths, peaks } = resultOf(figure1)
  const at = (way: keyof typeof peaks, length: number) => peaks[way][lengths.indexOf(length)]!
  expect(at('plain', 2 ** 14)).toBeGreaterThan((0.9 * 4 * 2 ** 28) / 1e6)
  expect(at('streams', 2 ** 18)).toBeLessThan(at('features', 2 ** 18) / 4)
  expect(at('blocks', 2 ** 14)).toBeLessThan(at('plain', 2 ** 14) / 50)
})
