// openStream over the whole catalogue, and over all that is no stream. Kills: a method that the catalogue lacks, a snapshot of another kind than the
// method's name, one that forgets what waits, what it learned or its seed (answers differ once it goes on), bytes above what was promised, a kind
// that is said to be unknown although there is a function for it.
import { decodeSnapshot, encodeSnapshot, restoreSketch, rowsOf, type Method } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { restoreExactRecovery, restoreHeavyHitters } from '@sublinear/sparse-recovery'
import { restoreQuerySketch } from '@sublinear/streaming-attention'
import { describe, expect, it, test } from 'vitest'
import {
  amsSketch,
  catalogue,
  crossAttention,
  exactRecovery,
  exactStream,
  heavyHitters,
  layer,
  onePass,
  openCrossAttention,
  openOnePass,
  open,
  openStream,
  querySketch,
  sketch,
  sparseRecovery,
  taylorFeatures,
  type Traffic,
} from '../src'

const shape = { d: 6, dv: 5, scale: 0.4 }
const [TOKENS, GROUPS] = [700, 2]
const [keys, values, queries] = [random(TOKENS, 6, 1), random(TOKENS, 5, 2), random(TOKENS * GROUPS, 6, 3)]
const traffic: Traffic = { tokens: TOKENS, groups: GROUPS, place: { layer: 1, layers: 4, head: 1, heads: 2 } }
const pilot = {
  queries: rowsOf(queries, 0, 100 * GROUPS),
  keys: rowsOf(keys, 0, 100),
  values: rowsOf(values, 0, 100),
}
/** An eighth of a float32 cache, or a budget that has room for every token where a method needs that. */
const budgetOf = ({ name }: Pick<Method, 'name'>) => {
  const cache = 4 * TOKENS * (shape.d + shape.dv)
  return name === 'exact' ? 3 * cache : name === 'quantised' ? cache / 2 : cache / 8
}

/** Steps the tokens from … to − 1 in uneven pieces; returns the answers. */
function stepped(stream: ReturnType<Method['make']>, from: number, to: number) {
  const answers = []
  for (let at = from, rows = 1; at < to; at += rows, rows = (5 * rows) % 67) {
    const end = Math.min(to, at + rows)
    const block = { keys: rowsOf(keys, at, end), values: rowsOf(values, at, end) }
    answers.push(stream.step(block, rowsOf(queries, at * GROUPS, end * GROUPS)))
  }
  return answers
}

describe.each(catalogue.map((method) => [method.name, method] as const))('%s', (name, method) => {
  const budget = budgetOf(method)
  const options = method.within(shape, budget, traffic, pilot)!

  it('takes a budget: within it in every layer, but for pyramidKv, whose layers share theirs', () => {
    const layers = [0, 1, 2, 3].map((layer) => {
      const there = { ...traffic, place: { ...traffic.place!, layer } }
      return method.bytes(shape, method.within(shape, budget, there, pilot)!, there)
    })
    const most = name === 'pyramidKv' ? layers.reduce((a, b) => a + b) / 4 : Math.max(...layers)
    expect(most).toBeLessThanOrEqual(budget)
  })

  it('comes back from its snapshot, and goes on bit for bit, within its bytes', () => {
    const promised = method.bytes(shape, options, traffic)
    const stream = method.make(shape, options)
    stepped(stream, 0, 400)
    const bytes = stream.toBytes()
    expect(decodeSnapshot(bytes).kind).toBe(name)
    const copy = openStream(bytes)
    expect(copy.toBytes()).toEqual(bytes)
    expect([copy.tokens, copy.bytes, copy.merging]).toEqual([400, stream.bytes, stream.merging])
    expect(stepped(copy, 400, TOKENS)).toEqual(stepped(stream, 400, TOKENS))
    expect(copy.attend(queries)).toEqual(stream.attend(queries))
    expect(copy.toBytes()).toEqual(stream.toBytes())
    expect(stream.bytes).toBeLessThanOrEqual(promised)
  })

  it('says its version where the snapshot has another', () => {
    const { version, parameters, tensors, kind } = decodeSnapshot(method.make(shape, options).toBytes())
    const other = encodeSnapshot({ kind, version: '9', parameters, tensors: Object.fromEntries(tensors) })
    expect(() => openStream(other)).toThrow(`expected "${version}", found "9"`)
  })
})

test('names are different, and those of the methods, not of what composes them', () => {
  const names = catalogue.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[a-z][a-zA-Z0-9]*$/)
  expect(names).not.toContain('tiers')
})

describe('what is no stream', () => {
  const features = taylorFeatures({ d: 6, degree: 1, scale: 0.4 })
  const psi = amsSketch({ m: 8, seed: 1 })
  const phi = sparseRecovery({ n: 1000, k: 4, epsilon: 0.5, seed: 1 })
  const heavy = heavyHitters({ n: 1000, k: 4, epsilon: 0.5, seed: 1 })
  const exact = exactRecovery({ n: 1000, k: 4, delta: 0.01, seed: 1 })
  const whole = layer({ queryHeads: 2, kvHeads: 1, make: () => exactStream(shape) })
  const pass = onePass({ features, dv: 5, psi })
  const cross = crossAttention({ wq: random(6, 6, 1), wk: random(6, 6, 2), wv: random(6, 5, 3), features })
  const asked = querySketch({ features, phi })
  const plain = sketch(psi, 3)
  heavy.update(7, 3)
  exact.update(7, 3)
  whole.push({ keys, values })
  pass.pushKeys(keys)
  pass.pushValues(values)
  cross.pushContext(keys)
  plain.push(random(10, 3, 1))

  it.each([
    ['heavy-hitters', 'restoreHeavyHitters', heavy, restoreHeavyHitters],
    ['exact-recovery', 'restoreExactRecovery', exact, restoreExactRecovery],
    ['layer', 'open', whole, (bytes: Uint8Array) => open(bytes)],
    ['one-pass', 'openOnePass', pass, openOnePass],
    ['cross-attention', 'openCrossAttention', cross, openCrossAttention],
    ['query-sketch', 'restoreQuerySketch', asked, (bytes: Uint8Array) => restoreQuerySketch({ features, phi }, bytes)],
    ['sketch', 'restoreSketch', plain, (bytes: Uint8Array) => restoreSketch(psi, bytes)],
  ])('%s: the message names %s, which brings it back', (kind, use, saved, restore) => {
    const bytes = saved.toBytes()
    expect(decodeSnapshot(bytes).kind).toBe(kind)
    expect(() => openStream(bytes)).toThrow(
      new RangeError(`openStream: a snapshot of kind "${kind}" is no attention stream, use ${use}`),
    )
    expect(restore(bytes).toBytes()).toEqual(bytes)
  })
})
