// Tokens in entropy-coded numbers: the laws of methods, tiers and streams, and what is particular to them. The truth is exact attention in float64 over what `read` gives,
// a Gaussian source whose distortion at a rate is known, and the tokens themselves.
// Kills, beside the mistakes that the laws list: a room that is exceeded, codes cut off at their largest, a step that never becomes coarser, steps of keys and values
// that do not fit each other, the farthest tokens let go instead of the nearest, a weight lost when tokens leave, tokens of a block lost when it is coded anew, codes
// that follow where a call ends, a damaged snapshot that is taken.
import { decodeSnapshot, encodeSnapshot, matrix, type KvBlock } from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { methodLaws, tierLaws } from '@sublinear/laws'
import { describe, expect, test } from 'vitest'
import { entropyCoded, entropyCodedMethod, restoreEntropyCoded, tiers } from '../src'

const shape = { d: 3, dv: 2, scale: 0.5 }

describe('the method', () => {
  const laws = methodLaws(entropyCodedMethod, {
    options: [
      { count: 60, bits: 3 },
      { count: 200, bits: 5.5, buffer: 7 },
    ],
    budgets: [4000],
    long: 300,
    error: 0.03,
    inTiers: (spec, own, buffer) => tiers({ ...own, parts: [spec, exactStream], buffer }),
  })
  for (const law of laws) test(law.name, law.run)
})

/** Numbers of a linear congruence, as normal as a sum of twelve is. */
function normals(seed: number) {
  let state = seed >>> 0
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
  return () => Array.from({ length: 12 }, next).reduce((a, b) => a + b, -6)
}

function tokens(rows: number, d: number, dv: number, { seed = 1, spread = 1 } = {}): KvBlock {
  const next = normals(seed)
  const fill = (cols: number) =>
    matrix(
      rows,
      cols,
      Float32Array.from({ length: rows * cols }, () => spread * next()),
    )
  return { keys: fill(d), values: fill(dv) }
}

/** The weights of a block, together. */
const sum = (own: KvBlock) => own.weights!.reduce((a, b) => a + b, 0)
/** Lengths of keys of six entries. */
const lengths = ({ keys }: KvBlock) =>
  Array.from({ length: keys.rows }, (_, t) => Math.hypot(...keys.data.subarray(t * 6, (t + 1) * 6)))
const same = (one: number) => matrix(40, 2, new Float32Array(80).fill(one))

/** Attention in float64. */
function oracle({ keys, values, weights }: KvBlock, query: Float32Array, scale: number): Float64Array {
  const logits = Float64Array.from({ length: keys.rows }, (_, t) => {
    let score = 0
    for (let c = 0; c < keys.cols; c++) score += query[c] * keys.data[t * keys.cols + c]
    return scale * score + Math.log(weights?.[t] ?? 1)
  })
  const top = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  const out = new Float64Array(values.cols)
  let mass = 0
  for (const [t, logit] of logits.entries()) {
    const own = Math.exp(logit - top)
    mass += own
    for (let c = 0; c < values.cols; c++) out[c] += own * values.data[t * values.cols + c]
  }
  return out.map((x) => x / mass)
}

describe('as a tier', () => {
  const laws = tierLaws({
    name: 'entropyCoded',
    make: () => entropyCoded({ count: 1000, bits: 12 })(shape),
    restore: restoreEntropyCoded,
    tolerance: 0.003,
  })
  for (const law of laws) test(law.name, law.run)

  test('it answers as exact attention over what it holds, weights among them', () => {
    const block = { ...tokens(700, 4, 3), weights: Float32Array.from({ length: 700 }, (_, i) => 1 + (i % 3)) }
    const tier = entropyCoded({ count: 300, bits: 5 })({ d: 4, dv: 3, scale: 0.5 })
    const left = tier.admit(block)!
    const held = tier.read()
    expect(held.keys.rows + left.keys.rows).toBe(700)
    expect(sum(held) + sum(left)).toBe(block.weights.reduce((a, b) => a + b, 0))
    const query = Float32Array.of(1, -2, 0.5, 1)
    const answer = normalise(tier.attend(matrix(1, 4, query))).data
    for (const [c, wanted] of oracle(held, query, 0.5).entries()) expect(answer[c]).toBeCloseTo(wanted, 5)
  })

  test('those that stay lie farther from the mean key than those that left', () => {
    const block = tokens(2000, 6, 2)
    const tier = entropyCoded({ count: 500, bits: 6 })({ d: 6, dv: 2, scale: 0.4 })
    const left = tier.admit(block)!
    const [near, far] = [lengths(left).toSorted((a, b) => a - b), lengths(tier.read()).toSorted((a, b) => a - b)]
    expect(far.length).toBeGreaterThan(400)
    // One in 16 leaves at once: of those that came last some nearer ones are still there.
    expect(far[Math.floor(far.length * 0.15)]).toBeGreaterThan(near[Math.floor(near.length * 0.9)])
  })
})

describe('its bits', () => {
  // At fine steps an entropy-coded uniform step of a Gaussian source has an error of πe/6 · 2^(−2·bits) of its power; 0.17 bits are given for the means that follow and heads of blocks.
  test.each([4, 6, 8])('at %i bits the error is that of a uniform step with an entropy code', (bits) => {
    const block = tokens(1024, 16, 16, { seed: bits })
    const stream = entropyCoded({ count: 1024, bits })({ d: 16, dv: 16, scale: 0.25 })
    stream.admit(block)
    const held = stream.read()
    expect(held.keys.rows).toBe(1024)
    const errorOf = (name: 'keys' | 'values') => {
      let [off, whole] = [0, 0]
      for (const [i, x] of block[name].data.entries()) {
        off += (x - held[name].data[i]) ** 2
        whole += x ** 2
      }
      return Math.sqrt(off / whole)
    }
    const both = Math.sqrt(errorOf('keys') * errorOf('values')) // bits are shared out between them
    const ideal = Math.sqrt((Math.PI * Math.E) / 6) * 2 ** -bits
    expect(both).toBeGreaterThan(ideal * 2 ** -0.05)
    expect(both).toBeLessThan(ideal * 2 ** 0.3)
  })

  test('what neighbours share costs nothing: tokens around a mean that moves are held as finely as those around none', () => {
    const still = tokens(512, 8, 8)
    const moving = {
      ...still,
      keys: matrix(
        512,
        8,
        still.keys.data.map((x, i) => x + 20 * Math.sin(i / 2000)),
      ),
    }
    const errors = [still, moving].map((block) => {
      const stream = entropyCoded({ count: 544, bits: 4 })({ d: 8, dv: 8, scale: 0.3 })
      stream.admit(block)
      const held = stream.read()
      expect(held.keys.rows).toBe(512)
      return Math.sqrt(block.values.data.reduce((sum, x, i) => sum + (x - held.values.data[i]) ** 2, 0))
    })
    expect(errors[1]).toBeLessThan(3 * errors[0]) // 20 spreads of one code for all would be 4 bits, 16 times
  })

  test.each([2 ** -120, 1, 2 ** 45])('tokens of size %f are held as well as any', (spread) => {
    const block = tokens(200, 4, 4, { spread })
    const stream = entropyCoded({ count: 200, bits: 8 })({ d: 4, dv: 4, scale: 0.5 })
    stream.admit(block)
    const held = stream.read()
    expect(held.keys.rows).toBe(200)
    for (const [i, x] of block.values.data.entries())
      expect(Math.abs(held.values.data[i] - x)).toBeLessThan(0.1 * spread)
  })

  test('a token of any size has a code, and those before it keep the room', () => {
    const stream = entropyCoded({ count: 100, bits: 4 })({ d: 2, dv: 2, scale: 0.5 })
    for (const size of [0, 1e-30, 1, 1e6, 3e14]) {
      stream.admit({ keys: same(size), values: same(-size) })
      const last = stream.read()
      const at = last.keys.rows - 1
      expect(Math.abs(last.keys.data[2 * at] - size)).toBeLessThanOrEqual(size * 2 ** -3)
    }
  })
})

test('where admit is cut never matters, while steps change and tokens leave', () => {
  const block = tokens(600, 3, 2)
  const whole = entropyCoded({ count: 100, bits: 4 })(shape)
  whole.admit(block)
  for (const cut of [1, 7, 64, 100]) {
    const tier = entropyCoded({ count: 100, bits: 4 })(shape)
    for (let r = 0; r < 600; r += cut) {
      const own = (name: 'keys' | 'values') => {
        const { cols, data } = block[name]
        const to = Math.min(600, r + cut)
        return matrix(to - r, cols, data.slice(r * cols, to * cols))
      }
      tier.admit({ keys: own('keys'), values: own('values') })
    }
    expect(tier.toBytes()).toEqual(whole.toBytes())
  }
})

test('a snapshot of other bytes is refused, or is a stream that goes on', () => {
  const tier = entropyCoded({ count: 60, bits: 4 })(shape)
  tier.admit(tokens(150, 3, 2))
  const { kind, version, parameters, tensors } = decodeSnapshot(tier.toBytes())
  let refused = 0
  for (let i = 0; i < 400; i++) {
    const name = ['codes', 'blocks', 'priors', 'guesses', 'links'][i % 5]
    if (tensors.get(name)!.data.length === 0) continue
    const other = new Map([...tensors].map(([key, tensor]) => [key, { ...tensor, data: tensor.data.slice() }]))
    const data = other.get(name)!.data as Uint8Array
    data[(i * 31) % data.length] = (data[(i * 31) % data.length] + 1 + (i % 200)) % 256
    try {
      const opened = restoreEntropyCoded(
        encodeSnapshot({ kind, version, parameters: { ...parameters }, tensors: Object.fromEntries(other) }),
      )
      opened.push(tokens(80, 3, 2))
      expect(opened.attend(matrix(1, 3)).sum.data.every(Number.isFinite)).toBe(true)
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError)
      refused++
    }
  }
  expect(refused).toBeGreaterThan(200)
})
