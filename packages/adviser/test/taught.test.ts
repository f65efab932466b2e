// What options have from a pilot's queries. Truth: rows counted by hand, and the metric of all queries of the pilot. Kills: a trial whose questions taught its options (384 or all 512
// rows instead of 256), options that are not taught for a trial, or taught by its few rows in the plan;
// the metric tried where rare tokens may be asked for, or not tried where they are not.
import { catalogue } from '@sublinear/attention'
import { matrix, type Matrix, type Method, type Traffic } from '@sublinear/core'
import { queryMetric, type Stack } from '@sublinear/kv-cache'
import { random } from '@sublinear/laws'
import { expect, test } from 'vitest'
import { plan } from '../src'

const shape = { d: 12, dv: 4, scale: 1 / Math.sqrt(12) }
const entriesOf = (rows: number, cols: number, entry: (r: number, c: number) => number): Matrix =>
  matrix(
    rows,
    cols,
    Float32Array.from({ length: rows * cols }, (_, i) => entry(Math.floor(i / cols), i % cols)),
  )
const [along, keys] = [random(512, 2, 7, 3), random(512, 12, 8, 4)]
/** Queries look along two directions, and values follow their scores. */
const directions = [Math.cos, (i: number) => Math.sin(2 * i)]
const queries = entriesOf(512, 12, (r, c) => directions.reduce((sum, of, i) => sum + along.data[2 * r + i] * of(c), 0))
const values = entriesOf(512, 4, (r, c) => {
  const score = keys.data.slice(12 * r, 12 * r + 12).reduce((sum, x, i) => sum + x * directions[c % 2](i), 0)
  return Math.tanh(score / 4 + (c & 2) / 4)
})

const alike = (traffic: Traffic): Traffic => ({ ...traffic, alike: true })

test.each([
  ['both', 256],
  ['rows', 384],
  ['later', 384],
] as const)(
  'options are taught by the queries before the questions, and those of the plan by all: %s',
  async (task, before) => {
    const auto = catalogue.find(({ name }) => name === 'auto')!
    const rows: number[] = []
    const heard: Method = {
      ...auto,
      taught(options, given) {
        rows.push(given.rows)
        return auto.taught!(options, given)
      },
    }
    const always: Method = {
      ...heard,
      variants: (own, bytes, traffic, pilot) => auto.variants!(own, bytes, alike(traffic), pilot),
      refine: (own, best, bytes, traffic, pilot) => auto.refine!(own, best, bytes, alike(traffic), pilot),
    }
    const { options } = await plan({ ...shape, methods: [always], pilot: { queries, keys, values }, budgetBytes: 4000, tokens: 4096, task }) // prettier-ignore
    expect([...new Set(rows)]).toEqual([before, 512])
    expect(rows.filter((one) => one === 512)).toHaveLength(1)
    expect((options as { readonly stack: Stack }).stack.metric).toEqual(queryMetric({ queries }))
  },
)

test.each([
  ['causal', false],
  ['both', false],
  ['rows', true],
  ['later', true],
] as const)('a stack is in the metric where all queries to come are like the pilot’s: %s', async (task, isSo) => {
  const methods = catalogue.filter(({ name }) => name === 'auto')
  const { options } = await plan({ ...shape, methods, pilot: { queries, keys, values }, budgetBytes: 4000, tokens: 4096, task }) // prettier-ignore
  expect((options as { readonly stack: Stack }).stack.metric !== undefined).toBe(isSo)
})
