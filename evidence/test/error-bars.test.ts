// Error bars on captured heads, against the committed results. Kills: results that this code did not write, a section or picture edited by hand, bars of half the
// variance (they cover 0.83), a head whose bars cover less than 0.90, but for samples without first tokens, bars over the bytes of the cache that they are for.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { below, coverageOf, errorBars, isMeasured, isSample } from '../error-bars/ask.ts'
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
    test('95 % bars of rows without a flag cover 0.90 to 0.98 over all heads with 500 entries of such rows, a sample alone 0.87', () => {
      for (const row of result.rows) {
        const { all } = coverageOf(row)
        if (all === null || row.entries.reduce((sum, one) => sum + one, 0) < 500) continue
        const name = `${row.model}, ${row.method}`
        expect(all, name).toBeGreaterThan(isSample(row) ? 0.87 : 0.9)
        if (!isMeasured(row)) expect(all, name).toBeLessThan(0.98)
      }
    })

    test('no head is surely below 0.90, but for a sample without first tokens, and measured bars of heads of which most rows are flagged', () => {
      const codes = below(
        result.rows.filter((row) => !isSample(row) && !isMeasured(row)),
        0.9,
      )
      expect(codes.surely).toBe(0)
      expect(codes.below / codes.of).toBeLessThan(0.03)
      for (const row of result.rows.filter(isMeasured)) {
        for (const [i, share] of row.covered.entries())
          if (share !== null && row.entries[i] >= 500 && row.flagged[i] < 0.5)
            expect(share, row.method).toBeGreaterThan(0.9)
      }
      const judged = below(result.rows.filter(isMeasured), 0.9)
      expect(judged.below / judged.of).toBeLessThan(0.05)
    })

    test('nothing can be proved in the place of measured bars: a certificate is wider than the answer is long', () => {
      for (const { certified, range } of result.certified ?? []) {
        expect(certified).toBeLessThanOrEqual(range)
        expect(certified).toBeGreaterThan(1) // ‖o‖_F
      }
    })

    test('a growing stream has its answer within its bar nearly everywhere, and a bar that is not the whole range', () => {
      const within = result.growing.filter(({ answer, error, exact }) => Math.abs(answer - exact) <= 2.6 * error)
      expect(within.length / result.growing.length).toBeGreaterThan(0.9)
    })
  },
)
