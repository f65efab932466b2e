// Error bars on captured heads, against the committed results. Kills: results that this code did not write, a section or picture edited by hand, bars of half the
// variance (they cover 0.83), a head whose bars cover less than 0.90 and nobody says so, bars over the bytes of the cache that they are for.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { below, coverageOf, errorBars, isSample } from '../error-bars/ask.ts'
import { fullResultOf, pageText, resultOf, withAnswer } from '../kit/experiment.ts'

const results = [resultOf(errorBars), fullResultOf(errorBars)].filter((one) => one !== undefined)

test('the section and the picture say what the results say', () => {
  const result = resultOf(errorBars)
  expect(withAnswer(pageText(errorBars), errorBars, result)).toBe(pageText(errorBars))
  expect(errorBars.picture?.(result)).toBe(readFileSync(new URL('../error-bars/picture.svg', import.meta.url), 'utf8'))
})

describe.each(results.map((result) => [result.heads.map(({ model }) => model).join(', '), result] as const))(
  'on heads of %s',
  (_, result) => {
    test('95 % bars of rows without a flag cover 0.90 to 0.98 over all heads, with one head in ten below 0.90 at most; a sample alone 0.87', () => {
      for (const row of result.rows) {
        const { all } = coverageOf(row)
        if (all === null) continue
        expect(all, `${row.model}, ${row.method}`).toBeGreaterThan(isSample(row) ? 0.87 : 0.9)
        expect(all, `${row.model}, ${row.method}`).toBeLessThan(0.98)
      }
      const { below: few, of } = below(
        result.rows.filter((row) => !isSample(row)),
        0.9,
      )
      expect(few / of).toBeLessThan(0.1)
    })

    test('a growing stream has its answer within its bar nearly everywhere, and a bar that is not the whole range', () => {
      const within = result.growing.filter(({ answer, error, exact }) => Math.abs(answer - exact) <= 2.6 * error)
      expect(within.length / result.growing.length).toBeGreaterThan(0.9)
    })
  },
)
