import { checkBlock, checkKeys } from './check'
import type { AttentionStream, Checks, KvBlock, Matrix, PartialSoftmax, Shape } from './contracts'
import { rowsOfPartial } from './kv-block'
import { life, type Life } from './life'
import { rowsOf } from './matrix'
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
  /** Reads a later stream of the same kind and identity, throws where it cannot be joined, and returns what joins it. */
  joining?(later: Snapshot): () => void
  saved(): { readonly parameters?: Readonly<Record<string, string>>; readonly tensors: Record<string, Tensor> }
  dispose(): void
}

export type LiveStream = AttentionStream & Disposable & { readonly check: Checks }

/**
 * An attention stream from what is particular to it: border checks, cutting into pieces, the causal step, merging, snapshots, and the rule that a call
 * is refused before it changes anything, are the same for all.
 *
 * Guarantee: where a block ends never matters, since `take` ends pieces at fixed places of the stream. A refused call changes nothing. A call that fails
 *   halfway leaves a stream of which every later call says that it is broken.
 *
 * @param alive  shared with members that the stream has beside these; counts the tokens given before, where it goes on from a snapshot
 */
export function liveStream(inside: Inside, alive: Life = life(inside.kind)): LiveStream {
  const { kind, version, d, dv, scale, merging, identity } = inside

  const check: Checks = {
    push(block, isSound) {
      alive.check()
      if (!isSound) checkBlock(kind, block, d, dv)
      inside.refuses?.(block)
    },
    step(block, queries, isSound) {
      alive.check()
      if (!isSound) {
        checkBlock(kind, block, d, dv)
        checkKeys(kind, 'queries', queries, d)
        queryGroups(kind, block, queries)
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
    requireSame(kind, { version, ...identity }, { version: snapshot.version, ...theirs })
    if (merging === 'none') throw new RangeError(`${kind}: cannot merge, merging is none`)
    return { tokens: tokenCount(kind, snapshot), join: inside.joining!(snapshot) }
  }

  const stream: LiveStream = {
    d,
    dv,
    scale,
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
      alive.act('push', () => {
        for (let from = 0; from < block.keys.rows;) {
          const count = inside.take(block, from)
          alive.tokens += count
          from += count
        }
      })
    },
    attend(queries, into) {
      alive.check()
      checkKeys(kind, 'queries', queries, d)
      const out = into && inside.continues ? into : emptyPartial(queries.rows, dv)
      inside.answer(queries, out)
      return out
    },
    step(block, queries) {
      check.step(block, queries)
      const groups = queryGroups(kind, block, queries)
      const out = emptyPartial(queries.rows, dv)
      alive.act('step', () => {
        for (let from = 0; from < block.keys.rows;) {
          const count = inside.take(block, from)
          alive.tokens += count
          const [first, end] = [from * groups, (from + count) * groups]
          inside.answer(rowsOf(queries, first, end), rowsOfPartial(out, first, end), { count, groups })
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
