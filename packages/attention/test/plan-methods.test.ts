// Methods and stacks that `plan` tries when none are named. Kills: a slow method or a stack with a slow tier that is tried unasked, or is not when it may be; stacks of
// coded tokens that overstep the budget.
import { random } from '@sublinear/laws'
import { expect, it } from 'vitest'
import { catalogue, createStream, plan } from '../src'

const pilot = { queries: random(600, 4, 1), keys: random(600, 4, 2), values: random(600, 3, 3) }
const asked = { d: 4, dv: 3, scale: 0.5, tokens: 1000, budgetBytes: 4000, pilot, task: 'both' } as const
const slow = catalogue.filter((method) => method.slow).map(({ name }) => name)

it('are those of the catalogue that are not slow', async () => {
  expect(slow).toEqual(['entropyCoded'])
  const { considered } = await plan(asked)
  const names = considered.map(({ name }) => name)
  expect(names).toContain('window')
  expect(names.length).toBeGreaterThan(5)
  expect(names.filter((name) => slow.includes(name))).toEqual([])
})

const naming = (options: object | undefined) => JSON.stringify(options ?? {}).includes('"entropyCoded"')

it('and, where a query may take milliseconds, those too, also in stacks', async () => {
  const quick = await plan(asked)
  expect(quick.considered.filter(({ options }) => naming(options))).toEqual([])
  const patient = await plan({ ...asked, slow: true })
  const stacks = patient.considered.filter(({ name, options }) => name === 'auto' && naming(options))
  expect(patient.considered.map(({ name }) => name)).toEqual(expect.arrayContaining(slow))
  expect(stacks.length).toBeGreaterThan(3)
  for (const { options } of stacks) {
    const stream = createStream({ d: 4, dv: 3, scale: 0.5, method: 'auto', options: options! })
    stream.push({ keys: random(1000, 4, 4), values: random(1000, 3, 5) })
    expect(stream.bytes).toBeLessThanOrEqual(4000)
    stream[Symbol.dispose]()
  }
})
