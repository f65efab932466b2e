// The table of codebooks: rows measured again to three digits, and Lloyd and Max's levels by Max's own constants.
// Kills, tried one by one (tests of 5 that then fail): a bend half as strong (1), Lloyd's iteration stopped after ten rounds (4), signs that are
// not taken back (1).
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { rowOf } from '../codebook/ask.ts'
import { levelsOf } from '../codebook/levels.ts'
import { lost } from '../codebook/steps.ts'
import type { Codebook } from '../codebook/table.ts'
import { centreOf, gathered, gaussians, spread } from '../codebook/vectors.ts'

const result = JSON.parse(readFileSync(new URL('../codebook/result.json', import.meta.url), 'utf8')) as Codebook

describe('the codebook experiment', () => {
  test('finds its committed rows again', () => {
    for (const [levels, step] of [
      ['bent', 'rms'],
      ['Lloyd-Max', 'rms'],
      ['bent', 'largest entry'],
    ] as const) {
      const wanted = result.rows.find((row) => row.levels === levels && row.step === step && row.bits === 4)!
      const found = rowOf(levels, step, 4)
      expect(found.gaussian.map((x) => x.toPrecision(3))).toEqual(wanted.gaussian.map((x) => x.toPrecision(3)))
      expect(found.heads.toPrecision(3)).toBe(wanted.heads.toPrecision(3))
    }
  })

  // Max (1960), table 1: the squared error of a Gaussian of unit variance. 4000 · 32 entries, so within 2 %.
  test.each([
    [3, 0.03454],
    [4, 0.009497],
    [5, 0.002499],
  ])('has the levels of Max for %i bits', (bits, error) => {
    const found = lost(gaussians(4000, 32, 5), levelsOf('Lloyd-Max', bits), () => 1)
    expect(Math.abs(found / error - 1)).toBeLessThan(0.02)
  })

  test('turns and comes back', () => {
    const rows = { rows: 3, cols: 8, data: Float32Array.from({ length: 24 }, (_, i) => Math.sin(i * i) + 3) }
    const centre = centreOf(rows, 2)
    const back = gathered(spread(rows, centre), centre)
    for (const [i, x] of rows.data.entries()) expect(Math.abs(back.data[i] - x)).toBeLessThan(1e-6)
  })
})
