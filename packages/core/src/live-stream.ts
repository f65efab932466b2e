import { checkBlock, checkInteger, checkKeys } from './check'
import type { AttentionStream, Checks, Matrix, PartialSoftmax } from './contracts'
import type { AskBars } from './spread'
import { checkParts, copiesOf, disposeAll, forkedParts } from './forked'
import { headOf, type Rotary } from './head'
import type { Inside, LiveStream, Making, Turning } from './inside'
import { rowsOfPartial } from './kv-block'
import { life } from './life'
import { rowsOf } from './matrix'
import { readAnew } from './read-anew'
import { rotation } from './rotation'
import { addSink } from './sink'
import { headParameters } from './saved-head'
import { inScope } from './scope'
import { requireSame } from './sketch'
import { nestedAll } from './nested-snapshots'
import { decodeSnapshot, encodeSnapshot, type State } from './snapshot'
import { tokenCount } from './snapshot-fits'
import { asksBars, emptyPartial, isPartial, queryGroups } from './step'

const made = readAnew<LiveStream, 'tokens' | 'bytes' | 'errorBars' | 'spare' | 'counters'>()

/** Turns the rows of a call by their places in the text; leaves them as they are without `rotary`. */
function turning(rotary: Rotary | undefined, d: number): Turning {
  const turn = rotary && rotation(rotary, d)
  return {
    block: (block, first) => (turn ? { ...block, keys: turn(block.keys, (r) => first + r) } : block),
    queries: (queries, first, groups) => (turn ? turn(queries, (r) => first + Math.floor(r / groups)) : queries),
  }
}

/**
 * Makes an attention stream from what is particular to it. Everything else is the same for all streams: border checks, cutting into pieces, the causal step,
 * merging, snapshots, forks, resets, and the rule that a call is refused before it changes anything. So are turning by place, where the shape has `rotary`, and
 * the sink's logit: the inside knows nothing of them.
 *
 * Guarantee: where a block ends never matters, since `take` ends pieces at fixed places of the stream. A refused call changes nothing. After a call that
 *   failed halfway, every later call throws, and says that the stream is broken.
 *
 * @param from  the snapshot or state that the stream goes on from; absent: it begins empty
 */
export function liveStream<I extends Inside, M extends object>(making: Making<I, M>, from?: State): LiveStream & M {
  const { kind } = making
  const alive = life(kind, from && tokenCount(kind, from))
  let inside = making.begin(alive, from)
  const { version, d, dv, scale, identity, sinkLogit } = inside
  const merging = inside.rotary === undefined || inside.turnsJoined ? inside.merging : 'none'
  const valueCols = inside.values === 'in keys' ? 0 : dv
  const head = headOf(inside)
  const turn = inside.turning ?? turning(inside.rotary, d)
  /** Query rows a token, where a feature of the shape is a list with an entry for each of them. */
  const heads = [sinkLogit, inside.slope].find(Array.isArray)?.length

  /** Answers into a partial and adds the sink: before an answer that continues a partial, so that an observer sees the sink, else after it. */
  const answered = (out: PartialSoftmax, answer: () => void) => {
    if (sinkLogit === undefined) return answer()
    if (inside.continues) addSink(out, sinkLogit)
    answer()
    if (!inside.continues) addSink(out, sinkLogit)
  }

  const whyNoBars = (): string | undefined =>
    inside.errorBars ? inside.errorBars() : 'nothing is known of the errors of what it holds'
  /** The partial to answer in; undefined where the inside makes its own. Throws where error bars are asked for and the stream gives none. */
  const opened = (rows: number, into: PartialSoftmax | AskBars | undefined, canContinue: boolean): PartialSoftmax => {
    const withBars = asksBars(into)
    const why = withBars ? whyNoBars() : undefined
    if (why !== undefined) throw new TypeError(`${kind}: gives no error bars: ${why}`)
    return isPartial(into) && canContinue ? into : emptyPartial(rows, dv, withBars)
  }

  const check: Checks = {
    push(block, isSound) {
      alive.check()
      if (!isSound) checkBlock(kind, block, d, valueCols)
      checkCount(kind, alive.tokens, block.keys.rows)
      inside.refuses?.(block)
    },
    step(block, queries, isSound) {
      alive.check()
      if (!isSound) {
        checkBlock(kind, block, d, valueCols)
        checkKeys(kind, 'queries', queries, d)
        checkHeads(kind, heads, queryGroups(kind, block, queries), queries)
      }
      checkCount(kind, alive.tokens, block.keys.rows)
      inside.refuses?.(block, queries)
    },
    merge: (later) => void joining(later),
    takeBack(count) {
      alive.check()
      const most = inside.back?.most(alive.tokens) ?? 0
      checkInteger(kind, 'count', count, 0)
      if (count > most) throw new RangeError(`${kind}: can take back at most ${most} tokens now, got ${count}`)
    },
  }

  const joining = (later: Pick<AttentionStream, 'toBytes'>) => {
    alive.check()
    if (typeof later?.toBytes !== 'function') throw new TypeError(`${kind}: cannot merge what is no stream`)
    const snapshot = decodeSnapshot(later.toBytes())
    if (snapshot.kind !== kind)
      throw new TypeError(`${kind}: cannot merge, the other stream is not ${kind} but ${snapshot.kind}`)
    const theirs = Object.fromEntries(Object.keys(identity).map((name) => [name, snapshot.parameters[name] ?? '']))
    const heads = [headParameters(inside), snapshot.parameters].map((saved) => saved['head'] ?? 'none')
    requireSame(
      kind,
      { version, ...identity, head: heads[0] },
      { version: snapshot.version, ...theirs, head: heads[1] },
    )
    if (merging === 'none') throw new RangeError(`${kind}: cannot merge, merging is none`)
    const tokens = tokenCount(kind, snapshot)
    checkCount(kind, alive.tokens, tokens)
    return { tokens, join: inside.joining!(snapshot, alive.tokens) }
  }

  const parts = () => making.parts?.(inside) ?? {}
  const saved = () => {
    const { parameters, tensors } = inside.saved()
    return { kind, version, parameters: { ...identity, ...parameters }, tensors }
  }

  const readings = {
    tokens: () => alive.tokens,
    bytes: () => inside.bytes(),
    errorBars: () => whyNoBars() ?? true,
    spare: () => inside.back?.spare(alive.tokens) ?? 0,
    counters: () => inside.counters?.(),
  }
  const stream = made(readings, {
    d,
    dv,
    scale,
    merging,
    check,
    push(block) {
      check.push(block)
      const turned = turn.block(block, alive.tokens)
      alive.act('push', () => {
        for (let from = 0; from < block.keys.rows;) {
          const count = inside.take(turned, from)
          alive.tokens += count
          from += count
        }
      })
    },
    attend(queries, into) {
      alive.check()
      checkKeys(kind, 'queries', queries, d)
      checkHeads(kind, heads, heads, queries)
      const turned = turn.queries(queries, alive.tokens - 1, Infinity)
      const out = opened(queries.rows, into, inside.continues === true)
      answered(out, () => inside.answer(turned, out))
      return out
    },
    step(block, queries, into) {
      if (!isPartial(into)) check.step(block, queries)
      const groups = queryGroups(kind, block, queries)
      const out = opened(queries.rows, into, true)
      const turned = turn.block(block, alive.tokens)
      const asked = turn.queries(queries, alive.tokens, groups)
      alive.act('step', () => {
        for (let from = 0; from < block.keys.rows;) {
          const count = inside.take(turned, from)
          alive.tokens += count
          const [first, end] = [from * groups, (from + count) * groups]
          const part = rowsOfPartial(out, first, end)
          answered(part, () => inside.answer(rowsOf(asked, first, end), part, { count, groups }))
          from += count
        }
      })
      return out
    },
    merge(later) {
      const { tokens, join } = joining(later)
      alive.act('merge', () => {
        join()
        alive.tokens += tokens
      })
    },
    toBytes() {
      alive.check()
      const { parameters, tensors, ...own } = saved()
      const nested = nestedAll(
        Object.fromEntries(Object.entries(parts()).map(([name, part]) => [name, part.toBytes()])),
      )
      return encodeSnapshot({
        ...own,
        parameters: { ...parameters, ...nested.parameters, tokens: String(alive.tokens) },
        tensors: { ...nested.tensors, ...tensors },
      })
    },
    fork() {
      alive.check()
      const own = making.around?.(forkedParts(kind, parts())) ?? making
      const { parameters, tensors } = inside.savedBeside?.() ?? inside.saved()
      return liveStream(own, {
        kind,
        version,
        parameters: { ...identity, ...parameters, tokens: String(alive.tokens) },
        tensors: copiesOf(tensors),
        isSound: true,
        live: inside,
      })
    },
    reset() {
      alive.check()
      if (making.resetParts) checkParts(kind, 'reset', parts())
      alive.act('reset', () => {
        const [before, old] = [inside, making.resetParts ? {} : parts()]
        making.resetParts?.()
        alive.tokens = 0
        inside = making.begin(alive)
        before.dispose()
        disposeAll(old)
      })
    },
    takeBack(count) {
      check.takeBack!(count)
      alive.act('takeBack', () => {
        inside.back?.take(count)
        alive.tokens -= count
      })
    },
    [Symbol.dispose]() {
      const held = parts()
      alive.end()
      inside.dispose()
      disposeAll(held)
    },
  })
  if (Object.keys(head).length > 0) Object.assign(stream, { head })
  for (const [name, get] of Object.entries<() => unknown>({ ...making.readings?.(() => inside) }))
    Object.defineProperty(stream, name, { get })
  return inScope(
    Object.assign(
      stream,
      making.members?.(() => inside, alive, stream),
    ) as LiveStream & M,
  )
}

/** Checks that `more` tokens can still be counted exactly; a snapshot from anywhere may come close to the limit. @throws RangeError where they cannot */
function checkCount(who: string, tokens: number, more: number): void {
  if (tokens + more > Number.MAX_SAFE_INTEGER)
    throw new RangeError(`${who}: tokens must stay at most 2^53 - 1, got ${tokens} and ${more} more`)
}

/** Checks that a call has `groups` rows a token, where a list of the shape has an entry for each of them. */
function checkHeads(who: string, heads: number | undefined, groups: number | undefined, { rows }: Matrix): void {
  if (heads === undefined || rows === 0) return
  if (groups !== heads || rows % heads !== 0)
    throw new RangeError(`${who}: queries must have ${heads} rows a token, as sinkLogit and slope do, got ${rows} rows`)
}
