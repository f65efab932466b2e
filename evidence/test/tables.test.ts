// The tables of the READMEs against the committed results, and the references of the experiments. Kills: a table edited by hand, a sample
// that favours some tokens or repeats one, an error in other units.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { meanOf, relativeError, uniformSample } from '../kit/trivial-answers.ts'
import { readmes, withTables } from '../kit/tables.ts'

test.each(readmes())('%s says what the results say: `node evidence/kit/draw-all.ts`', (path) => {
  const text = readFileSync(path, 'utf8')
  expect(withTables(text)).toBe(text)
})

const m = (...data: number[]) => ({ rows: 1, cols: data.length, data: Float32Array.from(data) })

describe('references', () => {
  test('a uniform sample has different tokens, each as often as any other', () => {
    const counts = new Float64Array(10)
    for (let seed = 0; seed < 2000; seed++) {
      const chosen = uniformSample(10, 3, seed)
      expect(new Set(chosen).size).toBe(3)
      for (const i of chosen) counts[i]++
    }
    // 600 expected, standard deviation 20.5: six of them fail a right program with 2·10⁻⁸.
    for (const count of counts) expect(Math.abs(count - 600)).toBeLessThan(123)
    expect(uniformSample(3, 9, 1)).toEqual([0, 1, 2])
  })

  test('errors are relative Frobenius norms', () => {
    expect(relativeError(m(0, 0), m(3, 4))).toBe(1)
    expect(relativeError(m(3, 7), m(3, 4))).toBeCloseTo(0.6, 12)
    expect([...meanOf({ rows: 2, cols: 2, data: Float32Array.of(1, 2, 3, 6) }, 2).data]).toEqual([2, 4, 2, 4])
  })
})
