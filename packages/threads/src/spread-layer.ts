import {
  checkBlock,
  checkInteger,
  checkKeys,
  emptyPartial,
  encodeLayer,
  layer,
  layerParts,
  life,
  type KvBlock,
  type Layer,
  type Matrix,
  type PartialSoftmax,
} from '@sublinear/core'
import { copyColumns, widthsOf } from './payload'
import { openShare, type Heads, type RemoteShare, type Thread } from './remote-share'

const KIND = 'threads.layer'

/** A layer whose heads are spread over threads. Its streams live in these threads, so it has no list of them. */
export interface SpreadLayer extends Omit<Layer, 'streams' | 'fork' | 'check'> {
  readonly check: Pick<Layer['check'], 'push' | 'step'>
  fork(): SpreadLayer
  /** Number of threads that have heads of the layer, this one included. */
  readonly workers: number
  /**
   * Time that all threads worked in push, step and attend, over the time that passed here: how many times faster the layer is than one thread would be, as far
   * as can be told from here. NaN before the first call. Below 1.1 threads do not pay: take a plain `layer`.
   */
  readonly gain: number
}

/** Gives all heads of a layer except the first share to the threads. The given layer is used up. */
export function spread(whole: Layer, threads: readonly Thread[]): SpreadLayer {
  const { kvHeads, queryHeads, d, dv, streams } = whole
  const groups = queryHeads / kvHeads
  const count = Math.min(kvHeads, threads.length + 1)
  const [ours, ...theirs] = Array.from({ length: count }, (_, i): Heads => {
    const [firstKvHead, end] = [i, i + 1].map((part) => Math.round((part * kvHeads) / count))
    return { firstKvHead, kvHeads: end - firstKvHead, groups, d, dv }
  })
  const own = layer({ queryHeads: ours.kvHeads * groups, kvHeads: ours.kvHeads, make: (h) => streams[h] })
  const shares = theirs.map((heads, i) => {
    const moved = streams.slice(heads.firstKvHead, heads.firstKvHead + heads.kvHeads)
    const share = openShare(
      threads[i],
      heads,
      moved.map((stream) => stream.toBytes()),
    )
    for (const stream of moved as readonly Partial<Disposable>[]) stream[Symbol.dispose]?.()
    return share
  })
  return spreadOver({ queryHeads, kvHeads, d, dv }, own, shares)
}

function spreadOver(
  shape: Pick<Layer, 'queryHeads' | 'kvHeads' | 'd' | 'dv'>,
  own: Layer,
  shares: readonly RemoteShare[],
): SpreadLayer {
  const { queryHeads, kvHeads, dv } = shape
  const all = widthsOf(shape)
  const mine = widthsOf(own)
  const alive = life(KIND)
  let worked = 0
  let passed = 0

  const ownBlock = ({ keys, values, weights }: KvBlock): KvBlock => ({
    keys: ownColumns(keys, mine.keys),
    values: ownColumns(values, mine.values),
    ...(weights && { weights }),
  })
  /** Does this thread's part while the others do theirs, and waits for all of them, also where one fails. */
  const together = <T>(work: () => T, finish: (share: RemoteShare) => void): T => {
    let failed: unknown
    let result: T | undefined
    const attempt = (part: () => void) => {
      try {
        part()
      } catch (error) {
        failed ??= error
      }
    }
    attempt(() => void (result = work()))
    for (const share of shares) attempt(() => finish(share))
    if (failed !== undefined) throw failed
    return result as T
  }
  /** Does the same, and measures the times. */
  const timed = <T>(work: () => T, finish: (share: RemoteShare) => void, began: number): T => {
    let here = 0
    const result = together(() => {
      const start = performance.now()
      const answer = work()
      here = performance.now() - start
      return answer
    }, finish)
    worked += shares.reduce((total, { work }) => total + work, here)
    passed += performance.now() - began
    return result
  }
  /** Asks all threads whether they would refuse a block, and leaves it in the payload. */
  const agreed = (block: KvBlock, queries: Matrix | undefined) => {
    alive.check()
    checkBlock(KIND, block, all.keys, all.values)
    if (queries) checkKeys(KIND, 'queries', queries, all.queries, block.keys.rows)
    const part = ownBlock(block)
    const ask = queries && ownColumns(queries, mine.queries)
    for (const share of shares) share.startTokens(queries ? 'checkStep' : 'checkPush', block, queries)
    together(
      () => (ask ? own.check.step(part, ask) : own.check.push(part)),
      (share) => share.finish(),
    )
    return { part, queries: ask }
  }
  const gather = (rows: number, answer: () => PartialSoftmax, began: number): PartialSoftmax => {
    const out = emptyPartial(rows * queryHeads, dv)
    const place = ({ max, mass, sum }: PartialSoftmax, first: number, heads: number) => {
      for (let r = 0; r < rows; r++) {
        const [to, from] = [r * queryHeads + first, r * heads]
        out.max.set(max.subarray(from, from + heads), to)
        out.mass.set(mass.subarray(from, from + heads), to)
        out.sum.data.set(sum.data.subarray(from * dv, (from + heads) * dv), to * dv)
      }
    }
    const found = timed(
      answer,
      (share) => {
        const { firstKvHead, kvHeads: count, groups } = share.heads
        place(share.answers(), firstKvHead * groups, count * groups)
      },
      began,
    )
    place(found, 0, own.queryHeads)
    return out
  }
  const merges = (later: Pick<Layer, 'toBytes'>) => {
    alive.check()
    if (typeof later?.toBytes !== 'function') throw new TypeError(`${KIND}: cannot merge what is no layer`)
    const parts = layerParts(later.toBytes(), shape).map((stream) => stream.toBytes())
    const { kvHeads: count, queryHeads: heads } = own
    const first = encodeLayer({ queryHeads: heads, kvHeads: count }, parts.slice(0, count))
    const part = { toBytes: () => first }
    for (const share of shares) {
      const { firstKvHead, kvHeads: some } = share.heads
      share.startMerge(parts.slice(firstKvHead, firstKvHead + some))
    }
    together(
      () => own.check.merge(part),
      (share) => share.finish(),
    )
    return part
  }
  const states = () => shares.map((share) => share.state())

  const takesBack = (count: number) => {
    alive.check()
    checkInteger(KIND, 'count', count, 0)
    own.check.takeBack?.(count)
    for (const share of shares) share.call('checkTakeBack', count)
  }

  return {
    ...shape,
    workers: shares.length + 1,
    get gain() {
      return worked / passed
    },
    check: {
      push: (block) => void agreed(block, undefined),
      step: (block, queries) => void agreed(block, queries),
    },
    get tokens() {
      return own.tokens
    },
    get bytes() {
      alive.check()
      return states().reduce((total, { bytes }) => total + bytes, own.bytes)
    },
    get counters() {
      alive.check()
      const totals: Record<string, number> = { ...own.counters }
      for (const { counters } of states())
        for (const [name, count] of Object.entries(counters)) totals[name] = (totals[name] ?? 0) + count
      return totals
    },
    push(block) {
      const began = performance.now()
      const { part } = agreed(block, undefined)
      alive.act('push', () => {
        for (const share of shares) share.startAgain('push')
        timed(
          () => own.push(part),
          (share) => share.finish(),
          began,
        )
      })
    },
    attend(queries, asked) {
      refuseBars(asked)
      const began = performance.now()
      alive.check()
      checkKeys(KIND, 'queries', queries, all.queries)
      for (const share of shares) share.startQueries(queries)
      return gather(queries.rows, () => own.attend(ownColumns(queries, mine.queries)), began)
    },
    step(block, queries, asked) {
      refuseBars(asked)
      const began = performance.now()
      const asking = agreed(block, queries)
      return alive.act('step', () => {
        for (const share of shares) share.startAgain('step')
        return gather(queries.rows, () => own.step(asking.part, asking.queries as Matrix), began)
      })
    },
    merge(later) {
      const part = merges(later)
      alive.act('merge', () => {
        for (const share of shares) share.startAgain('merge')
        together(
          () => own.merge(part),
          (share) => share.finish(),
        )
      })
    },
    toBytes() {
      alive.check()
      const streams = [...own.streams.map((stream) => stream.toBytes()), ...shares.flatMap((share) => share.save())]
      return encodeLayer({ queryHeads, kvHeads }, streams)
    },
    fork() {
      alive.check()
      const first = own.fork()
      try {
        return spreadOver(
          shape,
          first,
          shares.map((share) => share.fork()),
        )
      } catch (error) {
        first[Symbol.dispose]()
        throw error
      }
    },
    reset() {
      alive.check()
      alive.act('reset', () => {
        own.reset()
        for (const share of shares) share.call('reset')
      })
    },
    get spare() {
      return Math.min(own.spare, ...states().map(({ spare }) => spare))
    },
    takeBack(count) {
      takesBack(count)
      alive.act('takeBack', () => {
        own.takeBack(count)
        for (const share of shares) share.call('takeBack', count)
      })
    },
    [Symbol.dispose]() {
      alive.end()
      own[Symbol.dispose]()
      for (const share of shares) share.call('close')
    },
  }
}

/** The first columns of a matrix of all heads, those of this thread. */
function ownColumns(from: Matrix, cols: number): Matrix {
  if (cols === from.cols) return from
  if (from.rows === 1) return { rows: 1, cols, data: from.data.subarray(0, cols) }
  const to = { rows: from.rows, cols, data: new Float32Array(from.rows * cols) }
  copyColumns(to, from, 0)
  return to
}

/** Refuses error bars. @throws TypeError when they are asked for, since spreads do not go between threads */
function refuseBars(asked: { readonly errorBars: true } | undefined): void {
  if (asked?.errorBars) throw new TypeError(`${KIND}: gives no error bars; ask a layer of one thread`)
}
