// What anisotropicFeatures takes and refuses. Kills: more features than there are monomials, a pilot of one row.
import { describe, expect, it } from 'vitest'
import { anisotropicFeatures } from '../src'
import { cloud } from './pilot'

describe('anisotropicFeatures', () => {
  it.each([
    [{ t: 0 }, RangeError, 'anisotropicFeatures: t must be an integer from 1 to 65536, got 0'],
    [{ t: 70_000 }, RangeError, 'anisotropicFeatures: t must be an integer from 1 to 65536, got 70000'],
    [{ scale: 0 }, RangeError, 'anisotropicFeatures: scale must be a finite number > 0, got 0'],
    [
      { pilotKeys: undefined },
      TypeError,
      'anisotropicFeatures: pilotKeys must be a Matrix with Float32Array data, got undefined',
    ],
    [
      { pilotKeys: cloud(1, 6, { seed: 1 }) },
      RangeError,
      'anisotropicFeatures: pilotKeys.rows must be an integer >= 2, got 1',
    ],
    [
      { pilotQueries: cloud(3, 5, { seed: 1 }) },
      RangeError,
      'anisotropicFeatures: pilotQueries must have 6 columns, got 5',
    ],
    [
      { pilotQueries: cloud(0, 6, { seed: 1 }) },
      RangeError,
      'anisotropicFeatures: pilotQueries.rows must be an integer >= 1, got 0',
    ],
    [
      { pilotKeys: { rows: 2, cols: 600, data: new Float32Array(1200) } },
      RangeError,
      'anisotropicFeatures: pilotKeys.cols must be an integer from 1 to 256, got 600',
    ],
  ])('refuses %o', (change, error, message) => {
    const pilot = cloud(10, 6, { seed: 1 })
    const call = () =>
      anisotropicFeatures({ pilotKeys: pilot, pilotQueries: pilot, t: 20, scale: 1, ...(change as object) })
    expect(call).toThrow(error)
    expect(call).toThrow(expect.objectContaining({ message }))
  })

  it('takes a pilot that does not vary, and one variable to its last degree', () => {
    const flat = { rows: 3, cols: 2, data: Float32Array.of(1, 2, 1, 2, 1, 2) }
    expect(anisotropicFeatures({ pilotKeys: flat, pilotQueries: flat, t: 9, scale: 1 }).t).toBe(9)
    const one = cloud(9, 1, { seed: 1 })
    expect(anisotropicFeatures({ pilotKeys: one, pilotQueries: one, t: 21, scale: 1 }).t).toBe(21)
    expect(() => anisotropicFeatures({ pilotKeys: one, pilotQueries: one, t: 22, scale: 1 })).toThrow(
      'anisotropicFeatures: t must be an integer from 1 to 21, got 22',
    )
  })
})
