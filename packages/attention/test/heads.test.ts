// What every method of the catalogue does with a head's features, and every one of them behind a window at one distance. Truths: plain streams of turned
// tokens, exact attention with the feature, and scores from the closed form of a rotation's inner product in float64.
// Kills: a feature dropped silently, a sink added by every part, places from the call's begin, a list of heads for one, a feature lost in a snapshot, an
// option that nobody knows; keys that leave the window still turned, or turned by the wrong places; a distance off by one.
import {
  addSink,
  HEAD_FEATURES,
  rotation,
  rowsOf,
  type Matrix,
  type Method,
  type Rotary,
  type Shape,
} from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { sinks, window } from '@sublinear/kv-cache'
import { distance, random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { catalogue, closureStream, endless, openStream, tiers } from '../src'

const plain = { d: 6, dv: 4, scale: 0.4 }
const rotary: Rotary = { base: 50, pairing: 'halves' }
const n = 230
const groups = 2
const tokens = { keys: random(n, 6, 1, 1.2), values: random(n, 4, 2) }
const queries = random(groups * n, 6, 3, 1.2)
const sinkLogit = [0.5, -1]
const pilot = { queries, ...tokens }
const any = (value: unknown) => value as never

const ROOMY = 2 ** 20
const optionsOf = (method: Method, shape: Shape = plain) =>
  method.within(shape, ROOMY, { tokens: 1000, groups }, pilot)!
const text = ({ name }: Method) => (name === 'endless' ? { positions: 'text' as const } : {})

/** A piece of the tokens, with its queries. */
const piece = (keys: Matrix, asked: Matrix, from: number, to: number) =>
  [
    { keys: rowsOf(keys, from, to), values: rowsOf(tokens.values, from, to) },
    rowsOf(asked, from * groups, to * groups),
  ] as const

describe.each(catalogue.map((method) => [method.name, method] as const))('%s', (_, method) => {
  const options = optionsOf(method)

  it('turns by place as if tokens came turned, and adds the sink once, from a snapshot too', () => {
    const turn = rotation(rotary, 6)
    const [keys, asked] = [turn(tokens.keys, (r) => r), turn(queries, (r) => Math.floor(r / groups))]
    const learns = method.needsQueries?.(options) ?? method.learns === 'queries' // what it keeps then depends on the sink
    const sink = learns ? {} : { sinkLogit }
    let one = method.make({ ...plain, rotary, ...sink, ...text(method) }, options)
    const other = method.make(plain, options)
    for (const [from, to] of [
      [0, 3],
      [3, 70],
      [70, 71],
      [71, n],
    ] as const) {
      const got = one.step(...piece(tokens.keys, queries, from, to))
      const wanted = other.step(...piece(keys, asked, from, to))
      if (!learns) addSink(wanted, sinkLogit)
      expect(distance(normalise(got).data, normalise(wanted).data)).toBeLessThan(2e-5)
      const bytes = one.toBytes()
      one = openStream(bytes)
      expect(one.toBytes()).toEqual(bytes)
    }
    const last = rowsOf(queries, 0, groups)
    const wanted = other.attend(turn(last, () => n - 1))
    if (!learns) addSink(wanted, sinkLogit)
    expect(distance(normalise(one.attend(last)).data, normalise(wanted).data)).toBeLessThan(2e-5)
    expect(one.head).toMatchObject({ rotary })
  })

  it('refuses the features that it cannot, by name, and does a cap where it can', () => {
    const features = { softcap: 2, sinkLogit: 1, slope: 0.1, window: 50, rotary, positions: 'text', values: 'in keys' }
    for (const name of HEAD_FEATURES.filter((name) => !method.can.includes(name)))
      expect(() => method.make(any({ ...plain, ...(name === 'positions' && { rotary }), [name]: features[name] }), options), name).toThrow(`cannot do ${name}`) // prettier-ignore
    if (!method.can.includes('softcap')) return
    const shape = { ...plain, softcap: 0.7 }
    const [one, truth] = [method.make(shape, optionsOf(method, shape)), exactStream(shape)]
    const [got, wanted] = [one, truth].map((stream) => normalise(stream.step(tokens, queries)).data) as [
      Float32Array,
      Float32Array,
    ]
    const coded = method.name === 'quantised'
    expect(distance(got, wanted)).toBeLessThan(coded ? 0.02 : 1e-5)
    const uncapped = normalise(exactStream(plain).step(tokens, queries)).data
    expect(distance(got, uncapped)).toBeGreaterThan(0.02)
  })

  it('refuses options that nobody knows, of the shape and of its own', () => {
    expect(() => method.make(any({ ...plain, softCap: 3 }), options)).toThrow('did you mean softcap?')
    expect(() => method.make(plain, any({ ...options, bufer: 3 }))).toThrow('there is no option "bufer"')
  })

  it('works behind a window, asked from one distance', () => {
    const [clamp, count, buffer] = [31, 20, 8]
    const shape: Shape = { ...plain, rotary, positions: { clamp } }
    const stream = tiers({ ...shape, parts: [window({ count }), (own) => method.make(own, options)], buffer })
    let made = stream.step(...piece(tokens.keys, queries, 0, 100))
    made = stream.step(...piece(tokens.keys, queries, 100, n))
    const near = count + ((n - 1) % buffer) + 1
    const wanted = answersHeld(
      n - 1,
      () => true,
      (j) => (n - 1 - j < near ? n - 1 - j : clamp),
    )
    const got = normalise(made).data.subarray(-2 * plain.dv)
    expect(distance(got, wanted)).toBeLessThan(LOOSE[method.name] ?? 1e-5)
    const again = openStream(stream.toBytes())
    expect(again.toBytes()).toEqual(stream.toBytes())
    expect(again.attend(rowsOf(queries, 0, 2))).toEqual(stream.attend(rowsOf(queries, 0, 2)))
  })
})

/** Summaries, and codes: their own errors. */
const LOOSE: Readonly<Record<string, number>> = {
  quantised: 0.02, auto: 0.02, mean: 0.2, closure: 0.1, taylor: 0.02, anisotropic: 0.02, farClosure: 0.02, endless: 0.02, firstOrder: 0.15, momentKv: 0.05,
} // prettier-ignore

describe('positions', () => {
  it("in the cache: first tokens stand right behind the window, as StreamingLLM's do", () => {
    const [first, count, buffer] = [3, 20, 8]
    const shape: Shape = { ...plain, rotary, positions: 'cache' }
    const stream = tiers({ ...shape, parts: [sinks({ count: first }), window({ count })], buffer })
    for (const [from, to] of [
      [0, 15],
      [15, 100],
      [100, n],
    ] as const) {
      const got = normalise(stream.step(...piece(tokens.keys, queries, from, to))).data.subarray(-2 * plain.dv)
      const near = Math.min(to - first, count + ((to - 1) % buffer) + 1)
      const isHeld = (j: number) => j < first || to - 1 - j < near
      const away = (j: number) => (j < first ? near + first - 1 - j : to - 1 - j)
      const all = answersHeld(to - 1, isHeld, away)
      expect(distance(got, all)).toBeLessThan(1e-5)
    }
  })

  it('ask for the parts that they are for', () => {
    const rotated = { ...plain, rotary }
    expect(() => tiers({ ...rotated, positions: { clamp: 3 }, parts: [sinks({ count: 3 }), exactStream] })).toThrow('need a window as the first part') // prettier-ignore
    expect(() => tiers({ ...rotated, positions: 'cache', parts: [window({ count: 3 }), exactStream] })).toThrow("'cache' are for two parts") // prettier-ignore
    expect(() => tiers({ ...plain, positions: 'text', parts: [exactStream] })).toThrow('positions need rotary')
    expect(() => tiers({ ...plain, softcap: 3, parts: [closureStream] })).toThrow('closureStream: cannot do softcap')
  })
})

describe('endless', () => {
  it('counts its rest for at most so many tokens', () => {
    const same = { keys: { rows: 5000, cols: 6, data: new Float32Array(30_000) }, values: random(5000, 4, 9) }
    const ask = { rows: 1, cols: 6, data: new Float32Array(6) }
    const mass = (most: number) => {
      const stream = endless({ window: 8, sinks: 1, far: 1, most, buffer: 8 })(plain)
      stream.push(same)
      const { max, mass } = stream.attend(ask)
      return mass[0] * Math.exp(max[0])
    }
    expect(mass(1e9)).toBeCloseTo(5000, 1)
    const held = 8 + 8 + 1 + 1
    expect(mass(100)).toBeGreaterThanOrEqual(100 + held - 1e-3)
    expect(mass(100)).toBeLessThanOrEqual(100 + held + 16 + 1e-3) // the newest of the rest wait, exactly
  })

  it('refuses what it does not know', () => {
    expect(() => endless(any({ windows: 3 }))).toThrow('did you mean window?')
    expect(() => endless({ most: -1 })).toThrow('most must be at least 0')
  })
})

/** The answers to a token's query rows over the tokens that are held, each at its distance: ⟨R(p)q, R(j)k⟩ in closed form, with Δ = p − j. */
function answersHeld(last: number, isHeld: (j: number) => boolean, away: (j: number) => number): Float64Array {
  const { d, dv, scale } = plain
  const out = new Float64Array(groups * dv)
  for (let g = 0; g < groups; g++) {
    let mass = 0
    for (let j = 0; j <= last; j++) {
      if (!isHeld(j)) continue
      const share = Math.exp(scale * scoreAt(last * groups + g, j, away(j)))
      mass += share
      for (let c = 0; c < dv; c++) out[g * dv + c] += share * tokens.values.data[j * dv + c]
    }
    for (let c = 0; c < dv; c++) out[g * dv + c] /= mass
  }
  return out
  function scoreAt(row: number, j: number, places: number): number {
    let score = 0
    for (let i = 0; i < d / 2; i++) {
      const angle = places * 50 ** ((-2 * i) / d)
      const [a, b] = [queries.data[row * d + i], queries.data[row * d + i + d / 2]]
      const [x, y] = [tokens.keys.data[j * d + i], tokens.keys.data[j * d + i + d / 2]]
      score += (a * x + b * y) * Math.cos(angle) + (a * y - b * x) * Math.sin(angle)
    }
    return score
  }
}
