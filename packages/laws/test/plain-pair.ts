import {
  decodeSnapshot,
  encodeSnapshot,
  life,
  nestedAll,
  nestedSnapshot,
  type AttentionStream,
  type Checks,
} from '@sublinear/core'
import type { Composition } from '../src'
import { referenceStream, restoreReference } from './reference-stream'

const shape = { d: 3, dv: 2, scale: 0.5 }
const KIND = 'pair'

/** Mistakes of a pair. */
export interface PairMistake {
  /** Takes stream by stream, each asked by its own call. */
  readonly asksLate?: boolean
  /** Asks the first stream alone. */
  readonly asksOne?: boolean
  /** Counts tokens before anything is asked. */
  readonly countsFirst?: boolean
  /** Goes on after a call that failed halfway. */
  readonly goesOn?: boolean
  /** Says that it is broken, but gives a snapshot of what is half done. */
  readonly savesBroken?: boolean
  /** Answers, after a call that failed halfway. */
  readonly answersBroken?: boolean
  /** Merges where it knows its streams by identity, as a WeakMap behind a contract does. */
  readonly knowsParts?: boolean
  /** Saves what a stream is called: a member that the contract does not have. */
  readonly savesNames?: boolean
  /** Takes the second stream's tokens from a member that no contract has. */
  readonly readsMember?: boolean
}

const known = new WeakSet<object>()

/** Two reference streams that are given the same: a composition, as plainly as it can be written. */
export function plainPair(
  part: <S extends AttentionStream>(stream: S) => S,
  mistake: PairMistake = {},
  from: readonly AttentionStream[] = [0, 1].map(() => referenceStream(shape)),
): Composition & AttentionStream {
  for (const stream of from) known.add(stream)
  const streams = from.map((stream) => part(stream))
  const alive = life(KIND, from[0].tokens)
  const asked = mistake.asksLate ? [] : mistake.asksOne ? streams.slice(0, 1) : streams
  const check: Checks = {
    push(block) {
      if (!mistake.goesOn) alive.check()
      if (mistake.countsFirst) alive.tokens += block.keys.rows
      for (const stream of asked) stream.check?.push(block)
      if (mistake.countsFirst) alive.tokens -= block.keys.rows
    },
    step(block, queries) {
      if (!mistake.goesOn) alive.check()
      for (const stream of asked) stream.check?.step(block, queries)
    },
    merge(later) {
      if (!mistake.goesOn) alive.check()
      for (const [i, stream] of streams.entries()) stream.check?.merge(partOf(later, i))
    },
  }
  return {
    ...shape,
    merging: !mistake.knowsParts || streams.every((stream) => known.has(stream)) ? 'linear' : 'none',
    parts: streams,
    check,
    get tokens() {
      return alive.tokens
    },
    get bytes() {
      if (mistake.readsMember) return streams.reduce((total, stream) => total + heldBytes(stream), 0)
      return streams.reduce((total, { bytes }) => total + bytes, 0)
    },
    push(block) {
      check.push(block)
      alive.act('push', () => {
        for (const stream of streams) stream.push(block)
        alive.tokens += block.keys.rows
      })
    },
    step(block, queries) {
      check.step(block, queries)
      return alive.act('step', () => {
        const answers = streams.map((stream) => stream.step(block, queries))
        alive.tokens += block.keys.rows
        return answers[0]
      })
    },
    attend(queries) {
      if (!mistake.goesOn && !mistake.answersBroken) alive.check()
      return streams[0].attend(queries)
    },
    merge(later) {
      check.merge(later)
      alive.act('merge', () => {
        for (const [i, stream] of streams.entries()) stream.merge(partOf(later, i))
        alive.tokens = streams[0].tokens
      })
    },
    toBytes() {
      if (!mistake.goesOn && !mistake.savesBroken) alive.check()
      const { parameters, tensors } = nestedAll(
        Object.fromEntries(streams.map((stream, i) => [`part-${i}`, stream.toBytes()])),
      )
      const names = mistake.savesNames ? { names: streams.map((stream) => String(Object.keys(stream))).join() } : {}
      return encodeSnapshot({ kind: KIND, version: '1', parameters: { ...parameters, ...names }, tensors })
    },
    fork() {
      if (!mistake.goesOn) alive.check()
      return plainPair(
        (stream) => stream,
        mistake,
        streams.map((stream) => stream.fork()),
      )
    },
    reset() {
      if (!mistake.goesOn) alive.check()
      for (const stream of streams) stream.reset()
      alive.tokens = 0
    },
  }
}

const heldBytes = (stream: AttentionStream) =>
  20 * ((stream as Partial<ReturnType<typeof referenceStream>>).held?.weights.length ?? 0)

const partOf = (later: Pick<AttentionStream, 'toBytes'>, i: number) => {
  const snapshot = decodeSnapshot(later.toBytes(), { kind: KIND })
  return { toBytes: () => nestedSnapshot(snapshot, `part-${i}`) }
}

export function restorePair(bytes: Uint8Array, mistake: PairMistake = {}) {
  const snapshot = decodeSnapshot(bytes, { kind: KIND })
  const from = [0, 1].map((i) => restoreReference(nestedSnapshot(snapshot, `part-${i}`)))
  return plainPair((stream) => stream, mistake, from)
}
