// The table of feature maps in the README is that of the committed result, its losses among them. Kills: a figure typed by hand.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { pageOf } from '../kit/experiment.ts'
import { withMaps, type MapsOfExp } from '../maps-of-exp/ask.ts'

it('the README prints the result', () => {
  const page = readFileSync(pageOf('maps-of-exp'), 'utf8')
  const result = JSON.parse(readFileSync(new URL('../maps-of-exp/result.json', import.meta.url), 'utf8')) as MapsOfExp
  expect(withMaps(page, result)).toBe(page)
  expect(result.rows.map(({ by }) => by)).toEqual(
    expect.arrayContaining(['nystrom', 'trigonometric', 'random', 'taylor']),
  )
  for (const { errors } of result.rows) expect(errors.every((error) => error > 0)).toBe(true)
})
