import {
  featuresBeyond,
  isFinite,
  rowsOf,
  type AttentionStream,
  type Matrix,
  type Method,
  type Pilot,
  isUint8,
} from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { barCoverage } from './bar-coverage'
import type { BoardCell } from './board'
import type { Part, Truth } from './truth'

interface CellOptions {
  readonly method: Method
  readonly pilot: Pilot | undefined
  readonly bytes: number
  readonly part: Part
  readonly block: number
  readonly truth: Truth
  readonly now: (() => number) | undefined
  /** Whether streams that give error bars are asked for them. */
  readonly bars: boolean
  /** Called after every call of the stream, and awaited. */
  readonly rest: () => Promise<void>
}

/** A stream as a user's method may make it. */
type Made = AttentionStream & Partial<Disposable>

/** Runs one method over one head within one budget; whatever its stream does, a cell comes back. */
export async function runCell(options: CellOptions): Promise<BoardCell> {
  const { method, pilot, bytes, part } = options
  const { name: stream, learns } = method
  let made: Made | undefined
  try {
    const beyond = featuresBeyond(part.shape, method.can)
    if (beyond.length > 0) return { stream, outcome: 'cannot', why: `cannot do ${beyond.join(' and ')}` }
    const traffic = { tokens: part.keys.rows, groups: part.groups }
    const chosen = method.within({ ...part.shape }, bytes, traffic, pilot)
    if (chosen === undefined) return { stream, outcome: 'does not fit' }
    await options.rest()
    made = method.make({ ...part.shape }, chosen)
    checkBytes(made.bytes)
    return { stream, ...(await run(made, learns !== 'nothing', options)) }
  } catch (error) {
    return { stream, outcome: 'failed', why: error instanceof Error ? error.message : String(error) }
  } finally {
    release(made)
  }
}

/** Disposes of a stream that is no longer needed; an error that it throws then is ignored. */
function release(made: Made | undefined): void {
  try {
    made?.[Symbol.dispose]?.()
  } catch {
    // the cell is already decided
  }
}

async function run(made: Made, learns: boolean, { bytes: budget, part, block, truth, now, bars, rest }: CellOptions) {
  const { prefix, groups, queries, keys, values, shape } = part
  const { dv } = shape
  const answers = new Float32Array(truth.exact.data.length)
  const memory: [number, number][] = []
  let peak = made.bytes
  let spent = 0
  let isSound = true
  const coverage = bars && made.errorBars === true ? barCoverage(truth.exact.data) : undefined
  const asksBars = coverage && ({ errorBars: true } as const)

  const timed = <T>(work: () => T): T => {
    const start = now?.() ?? 0
    const result = work()
    spent += (now?.() ?? 0) - start
    return result
  }
  const look = (to: number) => {
    checkBytes(made.bytes)
    peak = Math.max(peak, made.bytes)
    if (to >= 2 * (memory.at(-1)?.[0] ?? 0) || to === keys.rows) memory.push([to, made.bytes])
  }
  // Copies, so that nothing a stream does to its blocks reaches the others.
  const tokensOf = (from: number, to: number) => ({ keys: copied(keys, from, to), values: copied(values, from, to) })
  const askedOf = (from: number, to: number) => copied(queries, from * groups, to * groups)

  for (let from = 0; from < prefix; from += block) {
    const to = Math.min(prefix, from + block)
    const [tokens, asked] = [tokensOf(from, to), askedOf(from, to)]
    timed(() => (learns ? made.step(tokens, asked) : made.push(tokens)))
    look(to)
    await rest()
  }
  const push = (1000 * spent) / prefix
  spent = 0
  for (let from = prefix; from < keys.rows; from += block) {
    const to = Math.min(keys.rows, from + block)
    const [tokens, asked] = [tokensOf(from, to), askedOf(from, to)]
    const partial = timed(() => made.step(tokens, asked, asksBars))
    const { rows, cols, data } = normalise(partial)
    if (rows !== asked.rows || cols !== dv)
      throw new RangeError(`compare: answers of a stream must be ${asked.rows} x ${dv}, got ${rows} x ${cols}`)
    isSound &&= partial.mass.every((mass) => mass >= 0 && mass < Infinity)
    answers.set(data, (from - prefix) * groups * dv)
    coverage?.add(partial, (from - prefix) * groups)
    look(to)
    await rest()
  }
  const query = (1000 * spent) / (queries.rows - prefix * groups)
  const saved = savedBytes(made)
  const bytes = Math.max(made.bytes, saved ?? 0)
  const peakBytes = Math.max(peak, bytes)
  const held = {
    bytes,
    peakBytes,
    memory,
    ...(now && { time: { push, query } }),
    ...(coverage && { bars: coverage.read() }),
  }
  if (!(isSound && isFinite(answers)))
    return { outcome: 'failed' as const, why: 'it answered what is no finite number', ...held }
  const interval = truth.interval(answers)
  const judged = { errors: truth.errors(answers), ...(interval && { interval }) }
  const trusted = saved === undefined && { why: 'it gives no snapshot: what it holds is its own word' }
  if (peakBytes <= budget) return { outcome: 'within' as const, ...trusted, ...held, ...judged }
  const why =
    saved !== undefined && saved > made.bytes
      ? `its snapshot holds ${saved} bytes where it says ${made.bytes}, in a budget of ${budget}`
      : `it held ${peakBytes} bytes in a budget of ${budget}`
  return { outcome: 'over' as const, why, ...held, ...judged }
}

/** Copies rows from … to − 1 of a matrix. */
export function copied(source: Matrix, from: number, to: number): Matrix {
  const { data, ...shape } = rowsOf(source, from, to)
  return { ...shape, data: data.slice() }
}

function checkBytes(bytes: unknown): void {
  if (!(typeof bytes === 'number' && bytes >= 0 && bytes < Infinity))
    throw new TypeError(`compare: bytes of a stream must be a number >= 0, got ${String(bytes)}`)
}

/** Bytes of the tensors in the snapshot, without the eight bytes of header length and the header; undefined where there is no snapshot. */
function savedBytes(made: Made): number | undefined {
  let saved: Uint8Array
  try {
    saved = made.toBytes()
  } catch {
    return undefined
  }
  if (!isUint8(saved) || saved.length < 8) return undefined
  const header = new DataView(saved.buffer, saved.byteOffset).getBigUint64(0, true)
  return header <= saved.length - 8 ? saved.length - 8 - Number(header) : undefined
}
