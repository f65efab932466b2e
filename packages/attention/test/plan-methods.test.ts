// Methods that `plan` tries when none are named. Kills: a slow method that is tried unasked.
import { random } from '@sublinear/laws'
import { expect, it } from 'vitest'
import { catalogue, plan } from '../src'

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
