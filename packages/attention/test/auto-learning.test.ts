// Streams that learn choose a stack by their first tokens. Kills: a choice that depends on how the stream was cut, one that never looks (far behind what suits the
// head), first tokens that are lost, counted twice or given without their queries, a byte over the budget while it chooses, a snapshot before the choice that forgets
// queries, a reset that keeps the old choice.
import { rowsOf, type Matrix } from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { distance, random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { autoStream, openStream, type AutoStream, type Stack } from '../src'

const shape = { d: 8, dv: 6, scale: 1 / Math.sqrt(8) }
const [N, ASKED] = [1500, 128]
const options = { ...shape, budgetBytes: 9000, tokens: N + ASKED, learn: true }

/** The clump of a token. */
const at = (row: number) => (row * 7919) % 60

/** Tokens whose keys lie in 60 clumps, and queries that look about. */
function clumps() {
  const centres = random(60, 8, 1, 4).data
  const [noise, own] = [random(N + ASKED, 8, 2, 0.05).data, random(60, 6, 3).data]
  const keys: Matrix = {
    rows: N + ASKED,
    cols: 8,
    data: noise.map((x, i) => x + centres[at(Math.floor(i / 8)) * 8 + (i % 8)]),
  }
  const values: Matrix = {
    rows: N + ASKED,
    cols: 6,
    data: Float32Array.from({ length: 6 * (N + ASKED) }, (_, i) => own[at(Math.floor(i / 6)) * 6 + (i % 6)]),
  }
  return { keys, values, queries: random(N + ASKED, 8, 4, 2) }
}

/** Tokens of which each query wants one, and always one of the same thirty. */
function needles() {
  const keys = random(N + ASKED, 8, 5, 1)
  const queries = random(N + ASKED, 8, 6, 1)
  for (let r = 0; r < 30; r++) for (let c = 0; c < 8; c++) keys.data[r * 8 + c] *= 2
  for (let r = 0; r < N + ASKED; r++)
    for (let c = 0; c < 8; c++)
      queries.data[r * 8 + c] = 6 * keys.data[(r % 30) * 8 + c] + 0.1 * queries.data[r * 8 + c]
  return { keys, values: random(N + ASKED, 6, 7), queries }
}

type Head = ReturnType<typeof clumps>
const block = ({ keys, values }: Head, from: number, to: number) => ({
  keys: rowsOf(keys, from, to),
  values: rowsOf(values, from, to),
})

function stepped(stream: AutoStream, head: Head, piece = 64): AutoStream {
  for (let from = 0; from < N; from += piece) {
    const to = Math.min(N, from + piece)
    stream.step(block(head, from, to), rowsOf(head.queries, from, to))
    expect(stream.bytes).toBeLessThanOrEqual(options.budgetBytes)
  }
  return stream
}

function errorOf(stream: AutoStream, head: Head): number {
  const exact = exactStream(shape)
  exact.push(block(head, 0, N))
  const asked = rowsOf(head.queries, N, N + ASKED)
  const [got, wanted] = [stream, exact].map((one) => normalise(one.attend(asked)).data)
  return Math.hypot(...got.map((x, i) => x - wanted[i])) / Math.hypot(...wanted)
}

const tier = (by: string, share: number, keyBits: number, valueBits: number) => ({ by, share, keyBits, valueBits })
const STACKS: Stack[] = [
  { window: 0, kept: [tier('farKeys', 1, 6, 4)], rest: 'closure' },
  { window: 0, kept: [tier('farKeys', 0.5, 6, 4), tier('clusters', 0.5, 7, 5)], rest: 'none' },
  { window: 0, kept: [tier('clusters', 1, 6, 4)], rest: 'none' },
  { window: 0, kept: [tier('h2o', 0.2, 8, 6), tier('farKeys', 0.8, 4, 3)], rest: 'mean' },
]

describe('learning', () => {
  it.each([
    ['clumps', clumps(), 1.2],
    ['needles', needles(), 2.5], // all of them among the first tokens, whose codes are rounded once more
  ])('%s: not far from the best of the stacks that suit other heads', (_, head, most) => {
    const errors = STACKS.map((stack) => errorOf(stepped(autoStream({ ...options, learn: false, stack }), head), head))
    const own = errorOf(stepped(autoStream(options), head), head)
    expect(Math.max(...errors)).toBeGreaterThan(2.5 * Math.min(...errors)) // else any choice would do
    expect(own).toBeLessThan(most * Math.min(...errors))
  })

  it('the choice is the same however the stream is cut, and in the same bits', () => {
    const head = clumps()
    const [whole, cut] = [stepped(autoStream(options), head, N), stepped(autoStream(options), head, 37)]
    expect(cut.stack).toEqual(whole.stack)
    expect(cut.toBytes()).toEqual(whole.toBytes())
  })

  it('until then every token is held, in few bits', () => {
    const head = clumps()
    const stream = autoStream(options)
    const exact = exactStream(shape)
    stream.step(block(head, 0, 60), rowsOf(head.queries, 0, 60))
    exact.push(block(head, 0, 60))
    expect(stream.isLearning).toBe(true)
    const asked = rowsOf(head.queries, 60, 90)
    expect(distance(normalise(stream.attend(asked)).data, normalise(exact.attend(asked)).data)).toBeLessThan(0.1)
  })

  it('a snapshot, a fork and a reset before and after the choice go on as they would', () => {
    const head = needles()
    const stream = autoStream(options)
    stream.step(block(head, 0, 50), rowsOf(head.queries, 0, 50))
    const again = openStream(stream.toBytes()) as AutoStream
    const fork = stream.fork() as AutoStream
    const fresh = autoStream(options)
    for (const one of [stream, again, fork]) one.step(block(head, 50, N), rowsOf(head.queries, 50, N))
    expect(stream.isLearning).toBe(false)
    for (const one of [again, fork, openStream(stream.toBytes())]) expect(one.toBytes()).toEqual(stream.toBytes())
    stream.reset()
    expect([stream.isLearning, stream.stack]).toEqual([true, fresh.stack])
    expect(stream.toBytes()).toEqual(fresh.toBytes())
  })

  it('tokens without queries say nothing: the default stack goes on with them', () => {
    const head = clumps()
    const stream = autoStream(options)
    const usual = stream.stack
    stream.push(block(head, 0, N))
    expect([stream.isLearning, stream.stack, stream.tokens]).toEqual([false, usual, N])
    expect(stream.bytes).toBeLessThanOrEqual(options.budgetBytes)
  })

  it('without being asked it chooses nothing, nor where bars or a stack are given', () => {
    const head = clumps()
    const { learn: _, ...usual } = options
    const stream = stepped(autoStream(usual), head)
    expect(stream.stack).toEqual(autoStream(options).stack)
    expect(() => autoStream({ ...options, stack: STACKS[0] })).toThrow('learn must be false where a stack is given')
    expect(() => autoStream({ ...options, errorBars: 1 })).toThrow('learn must be false where errorBars are given')
    expect(() => autoStream({ ...options, learn: 1 as never })).toThrow('learn must be true or false')
  })

  it('gives no error bars, before and after the choice', () => {
    const head = clumps()
    const stream = autoStream(options)
    const ask = () => stream.step(block(head, 0, 1), rowsOf(head.queries, 0, 1), { errorBars: true })
    expect(ask).toThrow(TypeError)
    expect([stream.errorBars, stream.tokens]).toEqual([expect.any(String), 0])
    stepped(stream, head)
    expect(ask).toThrow(TypeError)
  })

  it('queries of several heads a token teach as well', () => {
    const head = needles()
    const stream = autoStream(options)
    const twice = (from: number, to: number): Matrix => ({
      rows: 2 * (to - from),
      cols: 8,
      data: Float32Array.from(
        { length: 16 * (to - from) },
        (_, i) => head.queries.data[(from + Math.floor(i / 16)) * 8 + (i % 8)],
      ),
    })
    for (let from = 0; from < N; from += 100) stream.step(block(head, from, from + 100), twice(from, from + 100))
    expect(stream.stack).toEqual(stepped(autoStream(options), head).stack)
  })
})
