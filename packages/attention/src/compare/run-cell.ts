import { isFinite, rowsOf, stepByToken, type KvBlock, type Matrix, type PartialSoftmax } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import type { BoardCell, BoardContestant } from './board'
import type { Part, Truth } from './truth'

interface CellOptions {
  readonly stream: string
  readonly make: () => BoardContestant | undefined
  readonly learns: boolean
  readonly bytes: number
  readonly part: Part
  readonly block: number
  readonly truth: Truth
  readonly now: (() => number) | undefined
}

/** One stream over one head within one budget; whatever it does, a cell comes back. */
export function runCell(options: CellOptions): BoardCell {
  const { stream, make } = options
  let made: BoardContestant | undefined
  try {
    made = make()
    if (made === undefined) return { stream, outcome: 'does not fit' }
    checkContestant(made)
    return { stream, ...run(made, options) }
  } catch (error) {
    return { stream, outcome: 'failed', why: error instanceof Error ? error.message : String(error) }
  } finally {
    release(made)
  }
}

/** What a stream does when it is no longer wanted is its own matter. */
function release(made: BoardContestant | undefined): void {
  try {
    made?.[Symbol.dispose]?.()
  } catch {
    // its cell is written
  }
}

function run(made: BoardContestant, { learns, bytes: budget, part, block, truth, now }: CellOptions) {
  const { prefix, groups, queries, keys, values, shape } = part
  const { d, dv } = shape
  const answers = new Float32Array(truth.exact.data.length)
  const memory: [number, number][] = []
  let peak = made.bytes
  let spent = 0
  let isSound = true

  const timed = <T>(work: () => T): T => {
    const start = now?.() ?? 0
    const result = work()
    spent += (now?.() ?? 0) - start
    return result
  }
  const stepped = (tokens: KvBlock, asked: Matrix): PartialSoftmax =>
    made.step
      ? made.step(tokens, asked)
      : stepByToken({ d, dv, push: made.push.bind(made), attend: made.attend.bind(made) }, tokens, asked)
  const look = (to: number) => {
    checkBytes(made.bytes)
    peak = Math.max(peak, made.bytes)
    if (to >= 2 * (memory.at(-1)?.[0] ?? 0) || to === keys.rows) memory.push([to, made.bytes])
  }
  // Copies: what a stream does to its blocks is not done to those of the others.
  const tokensOf = (from: number, to: number) => ({ keys: copied(keys, from, to), values: copied(values, from, to) })
  const askedOf = (from: number, to: number) => copied(queries, from * groups, to * groups)

  for (let from = 0; from < prefix; from += block) {
    const to = Math.min(prefix, from + block)
    const [tokens, asked] = [tokensOf(from, to), askedOf(from, to)]
    timed(() => (learns ? stepped(tokens, asked) : made.push(tokens)))
    look(to)
  }
  const push = (1000 * spent) / prefix
  spent = 0
  for (let from = prefix; from < keys.rows; from += block) {
    const to = Math.min(keys.rows, from + block)
    const [tokens, asked] = [tokensOf(from, to), askedOf(from, to)]
    const partial = timed(() => stepped(tokens, asked))
    const { rows, cols, data } = normalise(partial)
    if (rows !== asked.rows || cols !== dv)
      throw new RangeError(`compare: answers of a stream must be ${asked.rows} x ${dv}, got ${rows} x ${cols}`)
    isSound &&= partial.mass.every((mass) => mass >= 0 && mass < Infinity)
    answers.set(data, (from - prefix) * groups * dv)
    look(to)
  }
  const query = (1000 * spent) / (queries.rows - prefix * groups)
  const saved = savedBytes(made)
  const bytes = Math.max(made.bytes, saved)
  const peakBytes = Math.max(peak, bytes)
  const held = { bytes, peakBytes, memory, ...(now && { time: { push, query } }) }
  if (!(isSound && isFinite(answers)))
    return { outcome: 'failed' as const, why: 'it answered what is no finite number', ...held }
  const errors = truth.errors(answers)
  if (peakBytes <= budget) return { outcome: 'within' as const, ...held, errors }
  const why =
    saved > made.bytes
      ? `its snapshot holds ${saved} bytes where it says ${made.bytes}, in a budget of ${budget}`
      : `it held ${peakBytes} bytes in a budget of ${budget}`
  return { outcome: 'over' as const, why, ...held, errors }
}

/** Rows from … to − 1 of a matrix in memory of their own. */
export function copied(source: Matrix, from: number, to: number): Matrix {
  const { data, ...shape } = rowsOf(source, from, to)
  return { ...shape, data: data.slice() }
}

function checkContestant(made: BoardContestant): void {
  if (typeof made !== 'object' || typeof made.push !== 'function' || typeof made.attend !== 'function')
    throw new TypeError('compare: a stream must have push and attend')
  checkBytes(made.bytes)
}

function checkBytes(bytes: unknown): void {
  if (!(typeof bytes === 'number' && bytes >= 0 && bytes < Infinity))
    throw new TypeError(`compare: bytes of a stream must be a number >= 0, got ${String(bytes)}`)
}

/** Bytes of the tensors in the snapshot: safetensors, eight bytes of header length, the header, the data. 0 without a snapshot. */
function savedBytes(made: BoardContestant): number {
  const saved = made.toBytes?.()
  if (saved === undefined) return 0
  const view = new DataView(saved.buffer, saved.byteOffset, saved.byteLength)
  return saved.byteLength - 8 - Number(view.getBigUint64(0, true))
}
