import { checkBlock, checkKeys } from './check'
import type { AttentionStream, Checks, KvBlock, Matrix, PartialSoftmax, Shape } from './contracts'
import { headOf, type Rotary } from './head'
import { rowsOfPartial } from './kv-block'
import { life, type Life } from './life'
import { rowsOf } from './matrix'
import { rotation } from './rotation'
import { addSink } from './sink'
import { headParameters } from './saved-head'
import { requireSame } from './sketch'
import { decodeSnapshot, encodeSnapshot, type Snapshot } from './snapshot'
import { tokenCount } from './snapshot-fits'
import { emptyPartial, queryGroups } from './step'
import type { Tensor } from './safetensors'

/** Tokens that have just come with their queries: the last `count` tokens taken, `groups` query rows each. */
export interface Arrived {
  readonly count: number
  readonly groups: number
}

/** What is particular to one stream. Nothing in it checks what it is given, and only `refuses` and `joining` may refuse. */
export interface Inside extends Shape {
  readonly kind: string
  readonly version: string
  readonly merging: AttentionStream['merging']
  /** What decides the stream, in its snapshots: where all of it is equal, streams merge. */
  readonly identity: Readonly<Record<string, string>>
  bytes(): number
  /** Takes as many rows from `from` on as come before the stream next compresses, at least one: a fixed place of the stream, not of the call. */
  take(block: KvBlock, from: number): number
  /** Continues partials over everything taken; with `arrived`, row i sees all tokens but the last count − 1 − ⌊i / groups⌋. */
  answer(queries: Matrix, out: PartialSoftmax, arrived?: Arrived): void
  /** Whether `answer` continues partials that are not empty. */
  readonly continues?: boolean
  counters?(): Readonly<Record<string, number>>
  /** Throws where a checked block, or its queries, cannot be taken: parts that refuse, memory that is not there. */
  refuses?(block: KvBlock, queries?: Matrix): void
  /** Reads a later stream of the same kind and identity, throws where it cannot be joined, and returns what joins it behind so many tokens. */
  joining?(later: Snapshot, tokens: number): () => void
  /** Whether `joining` turns what it joins to its place. Without it streams of a shape with `rotary` do not merge. */
  readonly turnsJoined?: boolean
  saved(): { readonly parameters?: Readonly<Record<string, string>>; readonly tensors: Record<string, Tensor> }
  dispose(): void
}

export type LiveStream = AttentionStream & Disposable & { readonly check: Checks }

/** Places in the text by which the rows of a call are turned. */
function turning(rotary: Rotary | undefined, d: number) {
  const turn = rotary && rotation(rotary, d)
  return {
    /** Tokens from place `first` on. */
    block: (block: KvBlock, first: number): KvBlock =>
      turn ? { ...block, keys: turn(block.keys, (r) => first + r) } : block,
    /** Query rows, `groups` a token, the first token at place `first`. */
    queries: (queries: Matrix, first: number, groups: number): Matrix =>
      turn ? turn(queries, (r) => first + Math.floor(r / groups)) : queries,
  }
}

/**
 * An attention stream from what is particular to it: border checks, cutting into pieces, the causal step, merging, snapshots, and the rule that a call
 * is refused before it changes anything, are the same for all. So are turning by
 * place, where the shape has `rotary`, and the sink's logit: what is inside knows nothing of them.
 *
 * Guarantee: where a block ends never matters, since `take` ends pieces at fixed places of the stream. A refused call changes nothing. A call that fails
 *   halfway leaves a stream of which every later call says that it is broken.
 *
 * @param alive  shared with members that the stream has beside these; counts the tokens given before, where it goes on from a snapshot
 */
export function liveStream(inside: Inside, alive: Life = life(inside.kind)): LiveStream {
  const { kind, version, d, dv, scale, identity, sinkLogit } = inside
  const merging = inside.rotary === undefined || inside.turnsJoined ? inside.merging : 'none'
  const valueCols = inside.values === 'in keys' ? 0 : dv
  const head = headOf(inside)
  const turn = turning(inside.rotary, d)
  /** Query rows that a list of the shape has entries for. */
  const heads = [sinkLogit, inside.slope].find(Array.isArray)?.length

  /** Continues a partial with an answer, and the sink: before what continues, so that an observer sees it, else behind. */
  const answered = (out: PartialSoftmax, answer: () => void) => {
    if (sinkLogit === undefined) return answer()
    if (inside.continues) addSink(out, sinkLogit)
    answer()
    if (!inside.continues) addSink(out, sinkLogit)
  }

  const check: Checks = {
    push(block, isSound) {
      alive.check()
      if (!isSound) checkBlock(kind, block, d, valueCols)
      inside.refuses?.(block)
    },
    step(block, queries, isSound) {
      alive.check()
      if (!isSound) {
        checkBlock(kind, block, d, valueCols)
        checkKeys(kind, 'queries', queries, d)
        checkHeads(kind, heads, queryGroups(kind, block, queries), queries)
      }
      inside.refuses?.(block, queries)
    },
    merge: (later) => void joining(later),
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
    return { tokens: tokenCount(kind, snapshot), join: inside.joining!(snapshot, alive.tokens) }
  }

  const stream: LiveStream = {
    d,
    dv,
    scale,
    ...(Object.keys(head).length > 0 && { head }),
    merging,
    check,
    get tokens() {
      return alive.tokens
    },
    get bytes() {
      return inside.bytes()
    },
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
      const out = into && inside.continues ? into : emptyPartial(queries.rows, dv)
      answered(out, () => inside.answer(turned, out))
      return out
    },
    step(block, queries) {
      check.step(block, queries)
      const groups = queryGroups(kind, block, queries)
      const out = emptyPartial(queries.rows, dv)
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
      const { parameters = {}, tensors } = inside.saved()
      return encodeSnapshot({
        kind,
        version,
        parameters: { ...identity, ...parameters, tokens: String(alive.tokens) },
        tensors,
      })
    },
    [Symbol.dispose]() {
      alive.end()
      inside.dispose()
    },
  }
  const { counters } = inside
  return counters ? Object.defineProperty(stream, 'counters', { get: counters, enumerable: true }) : stream
}

/** Rows of a call that has `groups` a token, where a list of the shape has an entry for each. */
function checkHeads(who: string, heads: number | undefined, groups: number | undefined, { rows }: Matrix): void {
  if (heads === undefined || rows === 0) return
  if (groups !== heads || rows % heads !== 0)
    throw new RangeError(`${who}: queries must have ${heads} rows a token, as sinkLogit and slope do, got ${rows} rows`)
}
