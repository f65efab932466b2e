import { encodeLayer, type KvBlock, type Matrix, type PartialSoftmax } from '@sublinear/core'
import type { Caller, Command } from './channel'
import { arraysIn, copyColumns, payloadBytes, widthsOf, type Widths } from './payload'
import { packed, unpacked, type Share } from './share'

/** A thread: the caller for it, and the memory for what calls carry. */
export interface Thread {
  readonly caller: Caller
  payload(): SharedArrayBuffer
  /** Makes the payload at least so many bytes long. */
  reserve(bytes: number): void
}

/** Heads of a layer that a share has. */
export interface Heads {
  readonly firstKvHead: number
  readonly kvHeads: number
  readonly groups: number
  readonly d: number
  readonly dv: number
}

/** The heads for which one thread answers. A call begins with `start…` and ends with `finish` or `answers`. */
export interface RemoteShare {
  readonly heads: Heads
  /** Puts the share's columns into the payload, and begins a call. */
  startTokens(command: Command, block: KvBlock, queries?: Matrix): void
  startQueries(queries: Matrix): void
  /** Begins a call over what is still in the payload. */
  startAgain(command: Command): void
  startMerge(streams: readonly Uint8Array[]): void
  finish(): void
  answers(): PartialSoftmax
  /** Makes one call from beginning to end. */
  call(command: Command, argument?: number): void
  state(): { readonly bytes: number; readonly spare: number; readonly counters: Readonly<Record<string, number>> }
  save(): readonly Uint8Array[]
  fork(): RemoteShare
  /** Milliseconds that the thread worked on the last call. */
  readonly work: number
}

/** Last number given to a layer, among all threads of this process. */
let numbers = 0

/** Gives streams to a thread, as snapshots. */
export function openShare(thread: Thread, heads: Heads, streams: readonly Uint8Array[]): RemoteShare {
  const share: Share = { queryHeads: heads.kvHeads * heads.groups, streams }
  const bytes = packed(share)
  thread.reserve(bytes.length)
  new Uint8Array(thread.payload()).set(bytes)
  const layer = (numbers = (numbers + 1) & 0x3fffffff)
  thread.caller.start({ command: 'open', layer })
  thread.caller.wait()
  return shareOf(thread, heads, layer)
}

function shareOf(thread: Thread, heads: Heads, layer: number): RemoteShare {
  const { caller } = thread
  const queryHeads = heads.kvHeads * heads.groups
  const widths: Widths = widthsOf({ ...heads, queryHeads })
  let sizes = { rows: 0, queryRows: 0, isWeighted: false }
  const take = (rows: number, queryRows: number, isWeighted: boolean) => {
    sizes = { rows, queryRows, isWeighted }
    thread.reserve(payloadBytes(widths, sizes))
    return arraysIn(thread.payload(), widths, sizes)
  }
  const putQueries = (to: Matrix, queries: Matrix) =>
    copyColumns(to, queries, heads.firstKvHead * heads.groups * heads.d)
  const waited = (command: Command): Uint8Array => {
    for (;;) {
      caller.start({ command, layer })
      const { length, fits } = caller.wait()
      if (fits) return new Uint8Array(thread.payload(), 0, length).slice()
      thread.reserve(length)
    }
  }
  return {
    heads,
    startTokens(command, block, queries) {
      const { keys, values, weights } = block
      const to = take(keys.rows, queries?.rows ?? 0, weights !== undefined)
      copyColumns(to.block.keys, keys, heads.firstKvHead * heads.d)
      copyColumns(to.block.values, values, heads.firstKvHead * heads.dv)
      if (weights) to.block.weights?.set(weights)
      if (queries) putQueries(to.queries, queries)
      caller.start({ command, layer, ...sizes })
    },
    startQueries(queries) {
      putQueries(take(0, queries.rows, false).queries, queries)
      caller.start({ command: 'attend', layer, ...sizes })
    },
    startAgain(command) {
      caller.start({ command, layer, ...sizes })
    },
    startMerge(streams) {
      const bytes = encodeLayer({ queryHeads, kvHeads: heads.kvHeads }, streams)
      thread.reserve(bytes.length)
      new Uint8Array(thread.payload()).set(bytes)
      sizes = { rows: bytes.length, queryRows: 0, isWeighted: false }
      caller.start({ command: 'checkMerge', layer, ...sizes })
    },
    finish: () => void caller.wait(),
    answers() {
      caller.wait()
      return arraysIn(thread.payload(), widths, sizes).answers
    },
    call(command, argument = 0) {
      caller.start({ command, layer, rows: argument })
      caller.wait()
    },
    state() {
      const state = JSON.parse(new TextDecoder().decode(waited('state'))) as ReturnType<RemoteShare['state']>
      return { ...state, spare: Number(state.spare) } // JSON has no Infinity
    },
    save: () => unpacked(waited('save')).streams,
    fork() {
      const copy = (numbers = (numbers + 1) & 0x3fffffff)
      caller.start({ command: 'fork', layer, rows: copy })
      caller.wait()
      return shareOf(thread, heads, copy)
    },
    get work() {
      return caller.work
    },
  }
}
