import { checkInteger, checkObject } from './check'
import type { AttentionStream, Checks, KvBlock, Matrix, PartialSoftmax } from './contracts'
import { tokensOf } from './kv-block'
import { rowsOf } from './matrix'

/** A stream or a layer, as a trial needs it. */
export interface Speculable extends Pick<AttentionStream, 'tokens' | 'push' | 'step' | 'spare' | 'takeBack'> {
  readonly check?: Pick<Checks, 'push' | 'step'> | undefined
  attend(queries: Matrix): PartialSoftmax
  fork(): Speculable
}

/** Tokens on trial. Until they are accepted or forgotten, the stream must not be given tokens in any other way. */
export interface Speculation extends Disposable {
  /** Number of tokens on trial. */
  readonly tokens: number
  push(block: KvBlock): void
  /** Answers as the stream would answer if it had been given all tokens on trial for good. */
  step(block: KvBlock, queries: Matrix): PartialSoftmax
  attend(queries: Matrix): PartialSoftmax
  /** Keeps the first `count` of the tokens on trial and forgets the others; then a new trial may begin. */
  accept(count: number): void
}

/** A call that was made on trial; its arrays are copies. */
interface Call {
  readonly block: KvBlock
  readonly queries: Matrix | undefined
}

/**
 * Gives tokens to a stream on trial: they are pushed and answered as any others; then the first of them are kept, and the others forgotten as if they had
 * never come. For speculative decoding, where a cheap model proposes tokens and this one judges them, and for looking ahead.
 * Source: Leviathan, Kalman and Matias (2023), for the use. Not from the two papers.
 *
 * Guarantee: answers are the stream's own. Whatever is accepted and rejected, the stream then has the bits of a stream that was given the accepted
 *   tokens alone. A refused call changes nothing.
 * Cost: only the calls themselves while the stream can take the tokens back (`spare`: they wait in a buffer, or the stream keeps all tokens); else a fork,
 *   and the accepted tokens are pushed a second time.
 *
 * @param stream  any stream or layer; one of your own needs `fork`
 * @throws TypeError, RangeError as the stream does; from `accept` when `count` is no integer from 0 to the tokens on trial, or when the stream was given other
 *   tokens meanwhile
 * @example
 * const [rows, trial] = [matrix(4, 2), speculate(exactStream({ d: 2, dv: 2, scale: 1 }))]
 * trial.step({ keys: rows, values: rows }, rows)
 * trial.accept(1)
 */
export function speculate(stream: Speculable): Speculation {
  const who = 'speculate'
  checkObject(who, stream, 'stream')
  let own = stream.tokens // tokens of the stream without those on trial
  let inPlace = 0 // tokens on trial that are in the stream itself
  let copy: Speculable | undefined // a fork of the stream with those tokens, and then the calls that could not be taken back
  let calls: Call[] = []

  const onTrial = () => inPlace + calls.reduce((total, { block }) => total + block.keys.rows, 0)
  const checkAlone = () => {
    if (stream.tokens !== own + inPlace)
      throw new RangeError(`${who}: the stream was given ${stream.tokens - own - inPlace} tokens beside those on trial`)
  }
  /** Makes a call that was not refused, in the stream or in its copy, so that it can be undone. */
  const given = <T>(block: KvBlock, queries: Matrix | undefined, call: (to: Speculable) => T): T => {
    const { rows } = block.keys
    if (rows === 0) return call(copy ?? stream)
    const fits = !block.weights && rows <= (stream.spare ?? 0)
    if (!copy && fits) {
      const out = call(stream)
      inPlace += rows
      return out
    }
    copy ??= stream.fork()
    const out = call(copy)
    calls.push({ block: copied(block), queries: queries && { ...queries, data: queries.data.slice() } })
    return out
  }

  return {
    get tokens() {
      return onTrial()
    },
    push(block) {
      checkAlone()
      ;(copy ?? stream).check?.push(block)
      given(block, undefined, (to) => to.push(block))
    },
    step(block, queries) {
      checkAlone()
      ;(copy ?? stream).check?.step(block, queries)
      return given(block, queries, (to) => to.step(block, queries))
    },
    attend: (queries) => (copy ?? stream).attend(queries),
    accept(count) {
      checkAlone()
      checkInteger(who, 'count', count, 0, onTrial())
      const forgotten = Math.max(0, inPlace - count)
      if (forgotten > 0) stream.takeBack!(forgotten)
      let rest = count - inPlace
      for (const { block, queries } of calls) {
        if (rest <= 0) break
        const rows = Math.min(rest, block.keys.rows)
        const groups = queries ? queries.rows / block.keys.rows : 0
        if (queries) stream.step(tokensOf(block, 0, rows), rowsOf(queries, 0, rows * groups))
        else stream.push(tokensOf(block, 0, rows))
        rest -= rows
      }
      ;(copy as Partial<Disposable> | undefined)?.[Symbol.dispose]?.()
      copy = undefined
      calls = []
      inPlace = 0
      own = stream.tokens
    },
    [Symbol.dispose]() {
      this.accept(0)
    },
  }
}

function copied({ keys, values, weights }: KvBlock): KvBlock {
  return {
    keys: { ...keys, data: keys.data.slice() },
    values: { ...values, data: values.data.slice() },
    ...(weights && { weights: weights.slice() }),
  }
}
