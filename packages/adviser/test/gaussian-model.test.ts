// The Gaussian model draws rows of about the pilot's size, also where a pilot's covariance has no inverse: few loud rows, rank 1, equal rows. Kills: a
// factor that divides by the square root of what rounding left of a pivot (queries of 4.6e30, of entries up to 4).
import { matrix } from '@sublinear/core'
import { expect, test } from 'vitest'
import { gaussianModel } from '../src/gaussian-model'

const largest = (data: Float32Array) => data.reduce((most, x) => Math.max(most, Math.abs(x)), 0)

test.each(['loud rows', 'rank 1', 'equal rows'])('%s', (kind) => {
  for (let seed = 1; seed <= 12; seed++) {
    let state = seed
    const noise = () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0
      return (state >>> 8) / 2 ** 23 - 1
    }
    const scales = Array.from({ length: 4 }, noise)
    const rows = (width: number) => {
      const data = Float32Array.from({ length: 40 * width }, (_, i) => {
        const row = Math.floor(i / width)
        if (kind === 'equal rows') return scales[i % width]
        if (kind === 'rank 1') return Math.sin(row + seed) * scales[i % width]
        return row % 20 === 3 ? 4 * noise() : 0
      })
      return matrix(40, width, data)
    }
    const pilot = { queries: rows(4), keys: rows(4), values: rows(3) }
    const { sample } = gaussianModel(pilot, 0.5, 1000)
    for (const part of ['queries', 'keys', 'values'] as const) {
      const drawn = largest(sample[part].data)
      expect(drawn, `${part} of seed ${seed}`).toBeLessThanOrEqual(50 * largest(pilot[part].data))
    }
  }
})
