// The committed result of feature maps has their losses among them. Kills: a map left out, an error that is no error.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { MapsOfExp } from '../maps-of-exp/ask.ts'

it('the result has all maps, losers among them', () => {
  const result = JSON.parse(readFileSync(new URL('../maps-of-exp/result.json', import.meta.url), 'utf8')) as MapsOfExp
  expect(result.rows.map(({ by }) => by)).toEqual(
    expect.arrayContaining(['nystrom', 'trigonometric', 'random', 'taylor']),
  )
  for (const { errors } of result.rows) expect(errors.every((error) => error > 0)).toBe(true)
})
