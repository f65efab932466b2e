// Far keys whose distances fade, against a float64 walk over all tokens written from the definition: every token in turn, the mean of those before, ages as of the
// last move of the centre. Kills: an age taken at the end of a block (answers depend on cuts), a newcomer whose place is not noted, a place lost in a
// snapshot, a factor of distance instead of squared distance, 2^(-age) for 1 / (1 + age), bytes of places that are not counted, a rate that leaves the time as it is.
import { matrix, type KvBlock } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { farKeys, farKeysMethod, restoreFarKeys } from '../src'

const [d, dv, n, count] = [4, 2, 900, 12]
const shape = { d, dv, scale: 1 }
/** Old tokens are the farther out, so that fading decides. */
const all = ((): KvBlock => {
  const keys = random(n, d, 11)
  for (let i = 0; i < n * d; i++) keys.data[i] *= 2 - Math.floor(i / d) / n
  const values = matrix(
    n,
    dv,
    Float32Array.from({ length: n * dv }, (_, i) => Math.floor(i / dv)),
  )
  return { keys, values }
})()
const rows = (from: number, to: number): KvBlock => ({
  keys: matrix(to - from, d, all.keys.data.slice(from * d, to * d)),
  values: matrix(to - from, dv, all.values.data.slice(from * dv, to * dv)),
})

const mean = (places: number[]) => places.reduce((a, b) => a + b) / count

/** Places that are held after `n` tokens, by the definition. */
function heldByDefinition(halvedAfter: number): number[] {
  const sum = new Float64Array(d)
  let [centre, moved] = [new Float64Array(d), 0]
  let held: number[] = []
  const apart = (j: number) => all.keys.data.subarray(j * d, j * d + d).reduce((total, x, c) => total + (x - centre[c]) ** 2, 0) // prettier-ignore
  for (let i = 0; i < n; i++) {
    if (held.length < count) held.push(i)
    else {
      const score = (j: number) => apart(j) / (1 + Math.max(0, moved - j) / halvedAfter)
      const nearest = held.reduce((a, b) => (score(b) < score(a) ? b : a))
      if (apart(i) > score(nearest)) held = [...held.filter((j) => j !== nearest), i]
    }
    for (let c = 0; c < d; c++) sum[c] += all.keys.data[i * d + c]
    const seen = i + 1
    if (seen % 64 === 0 || (seen < 64 && Number.isInteger(Math.log2(seen)))) {
      centre = sum.map((x) => x / seen)
      moved = seen
    }
  }
  return held.toSorted((a, b) => a - b)
}

function held(halvedAfter: number | undefined, size: number, cut = n): number[] {
  let tier = farKeys({ count, halvedAfter })(shape)
  for (let from = 0; from < n; from += size) {
    if (from >= cut) {
      tier = restoreFarKeys(tier.toBytes())
      cut = Infinity
    }
    tier.admit(rows(from, Math.min(n, from + size)), true)
  }
  const { values } = tier.read()
  return Array.from({ length: count }, (_, i) => values.data[i * dv]).toSorted((a, b) => a - b)
}

describe('far keys that fade', () => {
  it.each([50, 400, 5000])(
    'are those of the definition, whatever the cuts, and after a snapshot: halved after %i',
    (halvedAfter) => {
      const wanted = heldByDefinition(halvedAfter)
      for (const size of [1, 7, 64, 100, n]) expect(held(halvedAfter, size)).toEqual(wanted)
      expect(held(halvedAfter, 10, 500)).toEqual(wanted)
    },
  )

  it('are others than those that do not fade, and younger', () => {
    expect(mean(held(50, 64))).toBeGreaterThan(mean(held(undefined, 64)) + 200)
    expect(held(Infinity, 64)).toEqual(held(undefined, 64))
  })

  it('hold 4 bytes more a token, as their record says', () => {
    const bytes = (options: object) => farKeysMethod.bytes(shape, { count, ...options }, { tokens: Infinity })
    expect(bytes({ halvedAfter: 50 }) - bytes({})).toBe(4 * count)
    const [tier, plain] = [{ halvedAfter: 50 }, {}].map((options) => farKeys({ count, ...options })(shape))
    for (const one of [tier, plain]) one.admit(rows(0, 300), true)
    expect(tier.bytes - plain.bytes).toBe(4 * count)
  })

  it('fade as fast at a rate', () => {
    expect(farKeysMethod.atRate!(shape, { count, halvedAfter: 400 }, 0.25)).toMatchObject({ halvedAfter: 100 })
    expect(farKeysMethod.atRate!(shape, { count }, 0.25)).not.toHaveProperty('halvedAfter')
  })

  it.each([0, -1, NaN, '5'])('refuse %o', (halvedAfter) => {
    expect(() => farKeys({ count, halvedAfter: halvedAfter as number })).toThrow('farKeys: halvedAfter must be')
  })

  it('go on in a fork as they would have, and apart from it', () => {
    for (const first of [5, 12, 300]) {
      const [tier, whole] = [1, 2].map(() => farKeys({ count, halvedAfter: 50 })(shape))
      tier.admit(rows(0, first), true)
      whole.admit(rows(0, first), true)
      const copy = tier.fork() as typeof tier
      expect([copy.bytes, copy.toBytes()]).toEqual([tier.bytes, tier.toBytes()])
      copy.admit(rows(first, n), true)
      expect(tier.toBytes()).toEqual(whole.toBytes())
      whole.admit(rows(first, n), true)
      expect(copy.toBytes()).toEqual(whole.toBytes())
    }
  })
})
