import { openStream } from '@sublinear/attention'
import type { AttentionStream } from '@sublinear/core'
import { gate } from '../arena.ts'
import { told, type Attempt, type Campaign } from '../campaign.ts'
import { STREAMS } from '../streams.ts'
import { filled } from '../subjects.ts'

/** Reservations that one call may ask for. */
const MOST = 40

/** The campaign on memory that fails at a reservation, in any call of any stream. */
export const memory: Campaign = {
  name: 'memory',
  about:
    'the n-th reservation of kernel memory fails: the call is refused and the state is as before, or the stream says in every later call that it is broken',
  sample: 40,
  round: 400,
  patience: 20,
  units: () => Object.keys(STREAMS),
  begin: attemptsOf,
}

function attemptsOf(unit: string): Attempt {
  return (random) => {
    const stream = filled(STREAMS[unit](), random.pick([0, 1, 63, 64, 100, 200]), random)
    const saved = stream.toBytes()
    const block = random.block(1 + random.below(90), stream.d, stream.dv)
    const queries = random.matrix(block.keys.rows, stream.d)
    const partner = filled(STREAMS[unit](), 70, random)
    const calls: Record<string, (one: AttentionStream) => unknown> = {
      push: (one) => one.push(block),
      step: (one) => one.step(block, queries),
      attend: (one) => one.attend(queries),
      fork: (one) => one.fork(),
      save: (one) => one.toBytes(),
      ...(stream.merging !== 'none' && { merge: (one: AttentionStream) => one.merge(partner) }),
    }
    const name = random.pick(Object.keys(calls))
    const twin = openStream(saved)
    calls[name](twin)
    const [from, after] = [random.chance(0.5) ? stream : openStream(saved), twin.toBytes()]
    Object.assign(gate, { left: random.below(random.pick([4, MOST])), failed: false })
    let thrown: unknown
    try {
      calls[name](from)
    } catch (error) {
      thrown = error
    }
    gate.left = Infinity
    const fault = (finding: string, detail: string) => ({ outcome: 'faulty', finding: `${name}: ${finding}`, detail })
    const rest = (outcome: string) => {
      for (const one of [stream, twin, partner, from]) (one as Partial<Disposable>)[Symbol.dispose]?.()
      return { outcome }
    }
    if (!gate.failed) {
      if (thrown !== undefined) return fault('throws without a failure', told(thrown))
      return same(from.toBytes(), after) ? rest('not reached') : fault('another state than its twin', '')
    }
    if (thrown === undefined)
      return same(from.toBytes(), after) ? rest('went another way') : fault('swallowed, and another state', '')
    if (!/no memory|broken|cannot grow/.test(String(thrown))) return fault('throws something else', told(thrown))
    let now: Uint8Array
    try {
      now = from.toBytes()
    } catch (error) {
      if (!/broken/.test(String(error))) return fault('cannot be saved afterwards', told(error))
      for (const later of ['push', 'attend'])
        try {
          calls[later](from)
          return fault(`broken, and ${later} goes on`, '')
        } catch (again) {
          if (!/broken/.test(String(again))) return fault('broken, and says something else', told(again))
        }
      return rest('broken, and says so')
    }
    if (!same(now, saved)) return fault('refused, and changed', told(thrown))
    calls[name](from)
    return same(from.toBytes(), after) ? rest('refused, as before') : fault('refused, and goes on otherwise', '')
  }
}

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
