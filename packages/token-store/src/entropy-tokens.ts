import {
  checkFits,
  checkKeys,
  checkObject,
  checkValues,
  joinedTokens,
  readBy,
  rowsOf,
  tokensOf,
  type KvBlock,
  type State,
  readAnew,
} from '@sublinear/core'
import { markedRows, nearestRows, sampledRows } from './code-rows'
import {
  apartOf,
  codeUnit,
  codesOf,
  entriesOf,
  hasCode,
  largest,
  placeFor,
  placeIn,
  recode,
  type Steps,
} from './entropy-steps'
import { entropyBytes, roomOf, type EntropyTokens, type EntropyTokensOptions } from './entropy-room'
import { heldTokens } from './held-tokens'
import { rowPool } from './row-pool'
import { weightsIn } from './saved-tokens'
import type { Centres } from './token-coder'
import { MOST_KEY, MOST_VALUE } from './entry-bounds'
import { entropyTokensSchema } from './saved-entropy-tokens'

const made = readAnew<EntropyTokens, 'count'>()

/** Steps become coarser where tokens take this factor more than they should; else tokens leave. A step that is a little coarser costs more than it saves. */
const EARLY = 1.2
/** One token in so many leaves at a time. */
const LEAVING = 16
/** The coarsest step that is tried, in sixteenths of a doubling above the present step. */
const FARTHEST = 512
/** Rows that are decoded to floats at a time. */
const AT_ONCE = 512

/**
 * Makes a store of tokens as integers, in one step for keys and one for values, entropy-coded. When the room ends, the tokens whose keys lie nearest to the
 * mean key leave.
 * Steps are as fine as the room allows while few tokens have come, and become coarser with more, until tokens take `bits` an entry.
 * Source: entropy-coded scalar quantisation (Gish and Pierce, 1968: at fine steps a quarter of a bit above what any code can do), range coding
 * (Martin, 1979). Deviation:
 *   steps of keys and values are balanced by what one entry of each does to an answer.
 *
 * Guarantee: the tokens held never take more than the room. Where a block ends never matters: steps change, and tokens leave, at fixed tokens of the stream.
 * Cost: `entropyBytes`. A token is coded with the others of its block; when one token in 16 leaves, or a step changes, all are coded anew. A query
 *   decodes every code, 512 tokens in float32 at a time.
 */
export function entropyTokens(
  options: EntropyTokensOptions,
  kind: string,
  from?: State,
  like?: EntropyTokens,
): EntropyTokens {
  checkObject('entropyTokens', options)
  const { d, dv, scale, softcap, count: wanted } = options
  const width = d + dv
  const size = { d, width }
  // Read before anything is made of the sizes, which the tensors bound.
  const given =
    from && !like && readBy(kind, entropyTokensSchema, from, { d, '2·(d + dv)': 2 * width, 'd + dv': width })
  const room = roomOf(options)
  const before = like?.held()
  const pool = rowPool({ width, room }, before?.pool)
  const sum = new Float64Array(d)
  let weight = 0
  const centres: Centres = { keyCentre: new Float32Array(d), valueCentre: new Float32Array(dv) } // the first token
  let steps: Steps = {}
  let weights: Float32Array | undefined // weights of the tokens held, where any is not 1
  if (before) {
    sum.set(before.sum)
    weight = before.weight
    centres.keyCentre.set(before.centres.keyCentre)
    centres.valueCentre.set(before.centres.valueCentre)
    steps = before.steps
    weights = before.weights?.slice()
  } else if (from && given) restore(from, given)

  const beside = () => (weights ? 4 * pool.rows : 0)
  const decoded = (codes: Int32Array, rows: number, own: Float32Array | undefined): KvBlock => ({
    keys: entriesOf(codes, rows, { width, from: 0, place: steps.key, most: MOST_KEY }, centres.keyCentre),
    values: entriesOf(codes, rows, { width, from: d, place: steps.value, most: MOST_VALUE }, centres.valueCentre),
    ...(own && { weights: own }),
  })

  /** Makes the steps so coarse that the token has codes; recodes the tokens held. */
  const fitSteps = ({ keys, values }: KvBlock, r: number) => {
    const other = {
      key: placeFor(steps.key, largest(keys, r, centres.keyCentre)),
      value: placeFor(steps.value, largest(values, r, centres.valueCentre)),
    }
    if (other.key === steps.key && other.value === steps.value) return
    if (pool.rows > 0) {
      const codes = pool.read()
      recode(codes, size, steps, other)
      pool.replace(codes, pool.rows)
    }
    steps = other
  }
  const hasCodes = ({ keys, values }: KvBlock, r: number) =>
    hasCode(largest(keys, r, centres.keyCentre), steps.key) &&
    hasCode(largest(values, r, centres.valueCentre), steps.value)

  /** Makes steps coarser, so that the tokens held take at most `goal` bytes; false where none are coarse enough. */
  const squeeze = (goal: number): boolean => {
    if (steps.key === undefined && steps.value === undefined) return false
    const codes = pool.read()
    const sample = sampledRows(codes, width)
    const apart = apartOf(codes, size, scale, steps, centres)
    const coarser = (more: number): Steps => {
      const key = (steps.key ?? steps.value! - apart) + more
      return {
        ...(steps.key !== undefined && { key }),
        ...(steps.value !== undefined && { value: Math.max(steps.value, key + apart) }),
      }
    }
    const at = (some: Int32Array, more: number) => {
      const own = some.slice()
      recode(own, size, steps, coarser(more))
      return own
    }
    const bytesOf = (own: Int32Array) => pool.bytesOf(own, own.length / width, pool.rows)
    const share = (goal - beside()) * (sample.length / codes.length)
    let [low, high] = [1, FARTHEST]
    while (low < high) {
      const middle = (low + high) >> 1
      if (bytesOf(at(sample, middle)) <= share) high = middle
      else low = middle + 1
    }
    for (let more = low; more <= FARTHEST; more++) {
      const own = at(codes, more)
      if (bytesOf(own) + beside() > goal) continue
      steps = coarser(more)
      pool.replace(own, pool.rows)
      return true
    }
    return false
  }

  /** Removes the tokens nearest to the mean key. */
  const leave = (dropped: boolean): KvBlock | undefined => {
    const codes = pool.read()
    const unit = codeUnit(steps.key)
    const marks = nearestRows(
      codes,
      width,
      sum.map((x, c) => (x / weight - centres.keyCentre[c]) / unit),
      Math.max(1, Math.floor(pool.rows / LEAVING)),
    )
    const weightsOf = (mark: number) => weights?.filter((_, r) => marks[r] === mark)
    const gone = markedRows(codes, width, marks, 1)
    const left = dropped ? undefined : decoded(gone, gone.length / width, weightsOf(1))
    const own = weightsOf(0)
    weights = own?.some((w) => w !== 1) ? own : undefined
    const staying = markedRows(codes, width, marks, 0)
    pool.replace(staying, staying.length / width, true)
    return left
  }

  const makeRoom = (dropped: boolean): KvBlock | undefined => {
    const target = room / wanted
    const isEarly = pool.used + beside() > EARLY * target * pool.rows
    return isEarly && squeeze(target * pool.rows) ? undefined : leave(dropped)
  }

  /** The end of the rows from `from` on that have codes, and weights where weights are held. */
  const endOf = (block: KvBlock, from: number, isWeighted: boolean): number => {
    for (let r = from + 1; r < block.keys.rows; r++) {
      if (!hasCodes(block, r) || (!isWeighted && (block.weights?.[r] ?? 1) !== 1)) return r
    }
    return block.keys.rows
  }

  /** Takes rows from … from + some − 1, as many as there is room for. */
  const take = (block: KvBlock, from: number, some: number): number => {
    if (pool.used + beside() > room) return 0
    const took = pool.append(codesOf(block, from, some, steps, centres), some, weights ? 4 : 0)
    if (took === 0) return 0
    if (weights) {
      const own = new Float32Array(pool.rows).fill(1)
      own.set(weights)
      if (block.weights) own.set(block.weights.subarray(from, from + took), pool.rows - took)
      weights = own
    }
    for (let r = from; r < from + took; r++) count(block, r)
    return took
  }
  const count = ({ keys, weights: own }: KvBlock, r: number) => {
    const one = own?.[r] ?? 1
    for (let c = 0; c < d; c++) sum[c] += one * keys.data[r * d + c]
    weight += one
  }

  function restore(state: State, { parameters, tensors }: Exclude<typeof given, false | undefined>): void {
    const { sum: saved, centre, ...found } = tensors
    pool.restore(kind, found, state.isSound)
    weights = weightsIn(kind, state, pool.rows)?.slice()
    weight = parameters.weight
    steps = { key: placeIn(kind, parameters.keyStep), value: placeIn(kind, parameters.valueStep) }
    sum.set(saved)
    centres.keyCentre.set(centre.subarray(0, d))
    centres.valueCentre.set(centre.subarray(d))
    checkKeys(kind, 'centre', { rows: 1, cols: d, data: centres.keyCentre })
    checkValues(kind, 'centre', { rows: 1, cols: dv, data: centres.valueCentre })
    checkFits(kind, pool.used + (weights ? 4 * pool.rows : 0) <= room && (pool.rows === 0 || weight > 0))
  }

  return made(
    {
      count: () => pool.rows,
    },
    {
      bytes: entropyBytes(options),
      admit(block, dropped = false) {
        const gone: (KvBlock | undefined)[] = []
        const { rows } = block.keys
        for (let r = 0; r < rows;) {
          if (weight === 0) {
            centres.keyCentre.set(rowsOf(block.keys, r, r + 1).data)
            centres.valueCentre.set(rowsOf(block.values, r, r + 1).data)
          }
          fitSteps(block, r)
          if ((block.weights?.[r] ?? 1) !== 1) weights ??= new Float32Array(pool.rows).fill(1)
          // As many rows as come before a step changes, or before weights are first held.
          const end = endOf(block, r, weights !== undefined)
          const took = take(block, r, end - r)
          r += took
          if (r === end) continue
          if (pool.rows > 0) gone.push(makeRoom(dropped))
          else {
            count(block, r) // the token has no room even alone
            weights = undefined
            if (!dropped) gone.push(tokensOf(block, r, r + 1))
            r++
          }
        }
        return dropped ? undefined : joinedTokens(...gone)
      },
      read: () => decoded(pool.read(), pool.rows, weights?.slice()),
      attend(queries, partial, inOrder) {
        if (pool.rows === 0) return
        const shown = heldTokens({ d, dv, scale, ...(softcap !== undefined && { softcap }), most: AT_ONCE })
        pool.visit((codes, rows, first) => {
          shown.clear()
          shown.write(decoded(codes, rows, weights?.slice(first, first + rows)), 0, rows, 0)
          shown.attend(queries, partial, undefined, inOrder)
        })
        shown[Symbol.dispose]()
      },
      held: () => ({ pool, sum, weight, centres, steps, weights }),
      saved() {
        const { codes, blocks, priors, guesses, links } = pool.saved()
        return {
          parameters: {
            weight: String(weight),
            keyStep: String(steps.key ?? ''),
            valueStep: String(steps.value ?? ''),
          },
          tensors: {
            codes: { dtype: 'U8', shape: [codes.length], data: codes },
            blocks: { dtype: 'U32', shape: [blocks.length], data: blocks },
            priors: { dtype: 'U32', shape: [2 * width], data: priors },
            guesses: { dtype: 'U8', shape: [width], data: guesses },
            links: { dtype: 'U8', shape: [links.length], data: links },
            sum: { dtype: 'F64', shape: [d], data: sum },
            centre: {
              dtype: 'F32',
              shape: [width],
              data: Float32Array.of(...centres.keyCentre, ...centres.valueCentre),
            },
            ...(weights && { weights: { dtype: 'F32' as const, shape: [weights.length], data: weights } }),
          },
        }
      },
    },
  )
}
