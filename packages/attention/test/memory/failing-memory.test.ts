// Memory that fails at the n-th reservation, for all n, in every call of every stream: the call is refused and the state is as before, bit for bit, or
// the stream says in every later call that it is broken. Kills: a token counted before its room is there, a part that took while another had none,
// scratch that is asked for between two changes of state. (Where a failure halfway is not remembered, 102 of the 230 fail.)
import type { AttentionStream } from '@sublinear/core'
import { afterEach, describe, expect, test } from 'vitest'
import { simdMachine } from '../../../kernels/src/module'
import { openStream } from '../../src'
import { tokens } from '../unchanged/digest'
import { SHAPE, streams } from '../unchanged/streams'

const { arena } = simdMachine()
const take = arena.take.bind(arena)
/** Reservations that succeed before one fails; Infinity: none fails. */
let left = Infinity
let failed = false
arena.take = (bytes) => {
  if (--left < 0) {
    failed = true
    throw new RangeError('no memory, as asked for')
  }
  return take(bytes)
}
afterEach(() => void (left = Infinity))

const early = tokens({ n: 150, ...SHAPE })
const late = tokens({ n: 90, ...SHAPE })
const MOST = 400

/** The calls of a program: each takes in, asks or joins. */
const calls: Readonly<Record<string, (stream: AttentionStream, partner: AttentionStream) => unknown>> = {
  push: (stream) => stream.push(early.block),
  step: (stream) => stream.step(late.block, late.queries),
  attend: (stream) => stream.attend(early.queries),
  merge: (stream, partner) => stream.merging !== 'none' && stream.merge(partner),
  fork: (stream) => stream.fork(),
  'push again': (stream) => stream.push(late.block),
}

describe.each(Object.keys(streams))('%s', (name) => {
  test.each(Object.keys(calls))('%s', (call) => {
    const partner = streams[name]()
    partner.push(late.block)
    const start = streams[name]()
    for (const before of Object.keys(calls).slice(0, Object.keys(calls).indexOf(call))) calls[before](start, partner)
    const saved = start.toBytes()
    const whole = openStream(saved)
    calls[call](whole, partner)
    const after = whole.toBytes()

    let stream = openStream(saved)
    for (let n = 0; n <= MOST; n++) {
      expect(n, 'reservations of one call').toBeLessThan(MOST)
      ;[left, failed] = [n, false]
      let thrown: unknown
      try {
        calls[call](stream, partner)
      } catch (error) {
        thrown = error
      }
      left = Infinity
      if (!failed) {
        expect(thrown).toBeUndefined()
        break
      }
      expect(String(thrown)).toMatch(/no memory|broken/)
      let now: Uint8Array | undefined
      try {
        now = stream.toBytes()
      } catch (error) {
        expect(String(error)).toMatch(/broken/)
        expect(() => stream.push(late.block)).toThrow(/broken/)
        expect(() => stream.attend(late.queries)).toThrow(/broken/)
        stream = openStream(saved)
        continue
      }
      expect(now).toEqual(saved)
    }
    expect(stream.toBytes()).toEqual(after)
  })
})
