import {
  checkBlock,
  checkEntries,
  checkInteger,
  checkKeys,
  checkScale,
  checkValues,
  decodeSnapshot,
  emptyPartial,
  encodeSnapshot,
  queryGroups,
  requireSame,
  type AttentionStream,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
  type Shape,
} from '@sublinear/core'
import { kernels, type Resident } from '@sublinear/kernels'

const KIND = 'exact'
const VERSION = '1'
/** Pages double from 64 tokens up to this many, so that what is held depends on the number of tokens alone. */
const LARGEST_PAGE = 4096

/** Tokens first … first + capacity − 1 of the stream, in the kernels' memory. */
interface Page {
  readonly first: number
  readonly capacity: number
  readonly keys: Resident<Float32Array> // capacity × d
  readonly values: Resident<Float32Array> // capacity × dv
  /** capacity log weights, once any token came with a weight. */
  bias?: Resident<Float32Array>
}

/** Tokens with the logarithms of their weights, which are what is kept. */
interface Tokens {
  readonly keys: Float32Array // n × d
  readonly values: Float32Array // n × dv
  readonly bias?: Float32Array | undefined // n
}

/** What merge reads of another exact stream. */
const held = new WeakMap<AttentionStream, () => Tokens>()

/**
 * The growing key-value cache as an attention stream: exact, and what every bounded stream is compared with.
 *
 * @param d, dv  widths of keys and values; scale  factor inside exp
 * @throws TypeError, RangeError when a size is no integer ≥ 1 or scale not finite
 * Guarantee: answers equal exactAttention over the tokens pushed, to rounding.
 * Cost: 4·(d + dv) bytes a token, rounded up to a page; 2·(d + dv) operations a query and token.
 */
export function exactStream(shape: Shape): AttentionStream & Disposable {
  return live(shape)
}

/**
 * An exact stream from its snapshot, resuming bit for bit.
 *
 * @throws RangeError when the bytes are damaged or no snapshot of an exact stream
 */
export function restoreExactStream(bytes: Uint8Array): AttentionStream & Disposable {
  const { parameters, tensors } = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const shape = { d: Number(parameters['d']), dv: Number(parameters['dv']), scale: Number(parameters['scale']) }
  const [keys, values, bias] = ['keys', 'values', 'logWeights'].map((name) => tensors.get(name)?.data)
  const stream = live(shape, (d, dv) => {
    const fits =
      keys instanceof Float32Array &&
      values instanceof Float32Array &&
      (bias === undefined || bias instanceof Float32Array) &&
      keys.length % d === 0 &&
      values.length === (keys.length / d) * dv &&
      (bias === undefined || bias.length === keys.length / d)
    if (!fits) throw new RangeError('exact: the tensors of the snapshot do not fit its parameters')
    checkKeys('exact', 'keys', { rows: keys.length / d, cols: d, data: keys })
    checkValues('exact', 'values', { rows: keys.length / d, cols: dv, data: values })
    if (bias) checkEntries('exact', 'logWeights', bias, 1)
    return { keys, values, bias }
  })
  return stream
}

function live({ d, dv, scale }: Shape, contents?: (d: number, dv: number) => Tokens): AttentionStream & Disposable {
  checkInteger('exactStream', 'd', d, 1)
  checkInteger('exactStream', 'dv', dv, 1)
  checkScale('exactStream', scale)
  const pages: Page[] = []
  let tokens = 0
  let disposed = false

  const room = (): Page => {
    const last = pages.at(-1)
    if (last && tokens < last.first + last.capacity) return last
    const capacity = Math.min(LARGEST_PAGE, Math.max(64, tokens))
    const page: Page = {
      first: tokens,
      capacity,
      keys: kernels().floats(capacity * d),
      values: kernels().floats(capacity * dv),
    }
    pages.push(page)
    return page
  }

  const checkLive = () => {
    if (disposed) throw new TypeError('exact: this stream was disposed')
  }

  const isWeighted = () => pages.some((page) => page.bias)

  const append = ({ keys, values, bias }: Tokens) => {
    const rows = keys.length / d
    for (let from = 0; from < rows;) {
      const page = room()
      const at = tokens - page.first
      const count = Math.min(page.capacity - at, rows - from)
      page.keys.write(keys.subarray(from * d, (from + count) * d), at * d)
      page.values.write(values.subarray(from * dv, (from + count) * dv), at * dv)
      if (bias) {
        page.bias ??= kernels().floats(page.capacity)
        page.bias.write(bias.subarray(from, from + count), at)
      }
      tokens += count
      from += count
    }
  }

  /** With `before`, row i·groups + g sees the first before + i + 1 tokens; otherwise all. */
  const answer = (queries: Matrix, before?: number, groups = 1): PartialSoftmax => {
    const partial = emptyPartial(queries.rows, dv)
    for (const page of pages) {
      kernels().attend({
        queries: queries.data,
        keys: page.keys,
        values: page.values,
        ...(page.bias && { bias: page.bias }),
        rows: queries.rows,
        keyCount: Math.min(page.capacity, tokens - page.first),
        d,
        dv,
        scale,
        ...(before !== undefined && { causal: { visible: before + 1 - page.first, groups } }),
        max: partial.max,
        mass: partial.mass,
        sum: partial.sum.data,
      })
    }
    return partial
  }

  const everything = (): Tokens => {
    const keys = new Float32Array(tokens * d)
    const values = new Float32Array(tokens * dv)
    const bias = isWeighted() ? new Float32Array(tokens) : undefined
    for (const { first, capacity, ...page } of pages) {
      const count = Math.min(capacity, tokens - first)
      page.keys.range(0, count * d).readInto(keys.subarray(first * d, (first + count) * d))
      page.values.range(0, count * dv).readInto(values.subarray(first * dv, (first + count) * dv))
      if (bias && page.bias) page.bias.range(0, count).readInto(bias.subarray(first, first + count))
    }
    return { keys, values, bias }
  }

  const self: AttentionStream & Disposable = {
    d,
    dv,
    scale,
    merging: 'linear',
    get tokens() {
      return tokens
    },
    get bytes() {
      const width = d + dv + (isWeighted() ? 1 : 0) // a snapshot has all log weights or none
      return 4 * width * pages.reduce((total, { capacity }) => total + capacity, 0)
    },
    push(block) {
      checkLive()
      checkBlock(KIND, block, d, dv)
      append(tokensOf(block))
    },
    attend(queries) {
      checkLive()
      checkKeys(KIND, 'queries', queries, d)
      return answer(queries)
    },
    step(block, queries) {
      checkLive()
      checkBlock(KIND, block, d, dv)
      checkKeys(KIND, 'queries', queries, d)
      const groups = queryGroups(KIND, block, queries)
      const before = tokens
      append(tokensOf(block))
      return answer(queries, before, groups)
    },
    merge(later) {
      checkLive()
      const theirs = held.get(later)
      if (!theirs) throw new TypeError('exact: cannot merge, the other stream is not an exact stream')
      requireSame(KIND, shapeText({ d, dv, scale }), shapeText(later))
      append(theirs())
    },
    toBytes() {
      checkLive()
      const { keys, values, bias } = everything()
      return encodeSnapshot({
        kind: KIND,
        version: VERSION,
        parameters: shapeText({ d, dv, scale }),
        tensors: {
          keys: { dtype: 'F32', shape: [tokens, d], data: keys },
          values: { dtype: 'F32', shape: [tokens, dv], data: values },
          ...(bias && { logWeights: { dtype: 'F32' as const, shape: [tokens], data: bias } }),
        },
      })
    },
    [Symbol.dispose]() {
      disposed = true
      for (const page of pages) {
        page.keys[Symbol.dispose]()
        page.values[Symbol.dispose]()
        page.bias?.[Symbol.dispose]()
      }
    },
  }
  if (contents) append(contents(d, dv))
  held.set(self, everything)
  return self
}

function tokensOf({ keys, values, weights }: KvBlock): Tokens {
  return { keys: keys.data, values: values.data, bias: weights?.map(Math.log) }
}

function shapeText({ d, dv, scale }: Shape): Record<string, string> {
  return { d: String(d), dv: String(dv), scale: String(scale) }
}
