// Scores capped over tokens in few bits. Kills: a cap that ends with the last token in floats, a cap before the scale, weights left out.
import { emptyPartial } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { expect, it } from 'vitest'
import { quantised } from '../src'

const [n, d, dv, scale, softcap] = [200, 6, 3, 0.9, 2]

it('answers over coded tokens have their scores capped', () => {
  const held = quantised({ keyBits: 6, valueBits: 5, first: 16 }).make({ d, dv, scale, softcap, most: n })
  const weights = Float32Array.from({ length: n }, (_, i) => 1 + (i % 3))
  held.write({ keys: random(n, d, 1), values: random(n, dv, 2), weights }, 0, n, 0)
  const queries = random(7, d, 3)
  queries.data.set(queries.data.map((x) => 4 * x))
  const out = emptyPartial(7, dv)
  held.attend(queries, out)
  const { keys, values } = held.read()
  for (let r = 0; r < 7; r++) {
    const shares = Array.from({ length: n }, (_, j) => {
      let score = 0
      for (let c = 0; c < d; c++) score += queries.data[r * d + c] * keys.data[j * d + c]
      return weights[j] * Math.exp(softcap * Math.tanh((scale * score) / softcap))
    })
    const mass = shares.reduce((a, b) => a + b, 0)
    for (let c = 0; c < dv; c++) {
      const exact = shares.reduce((sum, share, j) => sum + share * values.data[j * dv + c], 0) / mass
      expect(Math.abs(out.sum.data[r * dv + c] / out.mass[r] - exact)).toBeLessThan(1e-5)
    }
    expect(Math.abs((out.mass[r] * Math.exp(out.max[r])) / mass - 1)).toBeLessThan(1e-5)
  }
  held[Symbol.dispose]()
})
