import { isFloat32 } from '@sublinear/kernels'
import {
  checkEntries,
  checkFits,
  checkHead,
  checkKeys,
  checkOptions,
  checkValues,
  decodeSnapshot,
  KEYS,
  liveStream,
  piecesOf,
  headOf,
  readBy,
  rotation,
  reserveMemory,
  schema,
  shapeIn,
  shapeParameters,
  tokenCount,
  VALUES,
  type AttentionStream,
  type HeadFeature,
  type Inside,
  type KvBlock,
  type Method,
  type Shape,
  type Snapshot,
  type State,
} from '@sublinear/core'
import { firstHeld, valueCols } from './window-pages'
import { newPages, pagedTokens, pagesBytes, type PagedTokens, type Tokens } from './paged-tokens'

const KIND = 'exact'
const VERSION = '2'
const CAN: readonly HeadFeature[] = ['softcap', 'sinkLogit', 'slope', 'window', 'rotary', 'values']

/** An exact stream, which lets its tokens be read: for whoever answers by them with other means. */
export interface ExactStream extends AttentionStream, Disposable {
  /** Copies keys (count × d) and values (count × dv) of tokens from place `first` on, as many as the arrays have room for; how many it held. Values that lie in keys stay there, and weights are not told. */
  tokensFrom(first: number, keys: Float32Array, values: Float32Array): number
}

/**
 * Makes the growing key-value cache as an attention stream. It is exact, and bounded streams are compared with it.
 *
 * Guarantee: answers equal exactAttention over the tokens pushed, up to rounding. With `window`, over the tokens that a query may see, wherever blocks end;
 *   pages outside the window are freed. Merging is 'none' with `window`, else 'ordered' where places matter, else 'linear'.
 * Cost: 4·(d + dv) bytes a token, rounded up to a page, and 4·d where values are in the keys; 2·(d + dv) operations a query and token.
 *
 * @param d, dv  widths of keys and values; scale  factor inside exp; and the features of a head (`Head`)
 * @throws TypeError, RangeError when a size is no integer ≥ 1, scale not finite, or a feature of the head is malformed
 * @example
 * const stream = exactStream({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 2048
 */
export function exactStream(shape: Shape): ExactStream {
  return live(shape)
}

/**
 * Restores an exact stream from its snapshot; it goes on bit for bit.
 *
 * @throws RangeError when the bytes are damaged or no snapshot of an exact stream
 */
export function restoreExactStream(bytes: Uint8Array): ExactStream {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const shape = shapeIn(KIND, snapshot, CAN)
  const tokens = tokenCount(KIND, snapshot)
  const held = shape.window === undefined ? tokens : tokens - firstHeld(shape.window, tokens)
  readBy(KIND, exactSchema, snapshot, { held, 'held · d': held * shape.d, 'held · dv': held * valueCols(shape) })
  return live(shape, snapshot)
}

/** Snapshots of exact streams, beside their shape. */
export const exactSchema = schema({
  kind: KIND,
  version: VERSION,
  tensors: {
    keys: { ...KEYS, size: 'held · d' },
    values: { ...VALUES, size: 'held · dv' },
    logWeights: { type: 'F32', size: 'held', optional: true, least: -70, most: 37 },
  },
})

export const exactMethod: Method = {
  name: KIND,
  source: 'not from the papers: all keys and values, kept',
  learns: 'nothing',
  can: CAN,
  make(shape, options = {}) {
    checkOptions(KIND, options, [])
    return exactStream(shape)
  },
  bytes: (shape, _, { tokens, weighted = false }) => pagesBytes(shape, tokens, weighted),
  within(shape, budgetBytes, { tokens, weighted = false }) {
    return pagesBytes(shape, tokens, weighted) <= budgetBytes ? {} : undefined
  },
  open: restoreExactStream,
}

function live(shape: Shape, from?: Snapshot): ExactStream {
  checkHead('exactStream', shape, CAN)
  return liveStream({ kind: KIND, begin: ({ tokens }, state) => begun(shape, tokens, state), members }, from)
}

function members(now: () => ExactInside): Pick<ExactStream, 'tokensFrom'> {
  return { tokensFrom: (first, keys, values) => now().read(first, keys, values) }
}

type ExactInside = Inside & Pick<PagedTokens, 'read'>

function begun(shape: Shape, given: number, from?: State): ExactInside {
  const { d, dv, scale, window, rotary, slope } = shape
  const pages = pagedTokens(shape, from && window !== undefined ? firstHeld(window, given) : 0)
  if (from) {
    takeIn(pages, from, shape)
    checkFits(KIND, pages.count === given)
  }
  const arePlaced = rotary !== undefined || slope !== undefined
  return {
    version: VERSION,
    d,
    dv,
    scale,
    ...headOf(shape),
    merging: window !== undefined ? 'none' : arePlaced ? 'ordered' : 'linear',
    identity: shapeParameters(shape),
    bytes: () => pages.bytes,
    take(block, first) {
      const count = Math.min(block.keys.rows - first, pages.piece)
      pages.append(logWeighted(block), first, first + count)
      return count
    },
    errorBars: () => undefined,
    answer: (queries, out, arrived) => pages.attend(queries, out, arrived),
    continues: true,
    refuses: ({ keys: { rows } }) => reserve(pages, shape, rows),
    turnsJoined: true,
    joining(later, tokens) {
      const own = tokensIn(later, shape)
      const rows = own.keys.length / d
      const turned = rotary && rotation(rotary, d)({ rows, cols: d, data: own.keys }, () => tokens).data
      const theirs = turned ? { ...own, keys: turned } : own
      reserve(pages, shape, rows)
      return () => pages.append(theirs)
    },
    back: pages.back,
    read: pages.read,
    saved() {
      const { keys, values, bias } = pages.held()
      const tokens = pages.count - pages.first
      return {
        tensors: {
          keys: { dtype: 'F32', shape: [tokens, d], data: keys },
          values: { dtype: 'F32', shape: [tokens, valueCols(shape)], data: values },
          ...(bias && { logWeights: { dtype: 'F32' as const, shape: [tokens], data: bias } }),
        },
      }
    },
    dispose: () => pages[Symbol.dispose](),
  }
}

/** Asks for the memory of the pages that so many more tokens need, and gives it back; throws where there is none. */
function reserve({ count, room }: PagedTokens, shape: Shape, tokens: number): void {
  if (tokens <= room) return
  reserveMemory(4 * newPages(count + room, tokens - room, shape.window) * (shape.d + valueCols(shape)))
}

function logWeighted({ keys, values, weights }: KvBlock): Tokens {
  return { keys: keys.data, values: values.data, bias: weights?.map(Math.log) }
}

/** Fills empty pages, page by page from those of a live stream. @throws as tokensIn does */
function takeIn(pages: PagedTokens, state: State, shape: Shape): void {
  const [keys, values] = ['keys', 'values'].map((name) => piecesOf(state.tensors.get(name)))
  if (!keys || !values) return pages.append(tokensIn(state, shape))
  const bias = state.tensors.get('logWeights')?.data as Float32Array | undefined
  let at = 0
  for (const [i, piece] of keys.entries()) {
    const rows = piece.length / shape.d
    pages.append({ keys: piece, values: values[i], bias: bias?.subarray(at, at + rows) })
    at += rows
  }
}

/** Reads the tokens of a state. @throws RangeError when the tensors do not fit, or push would refuse them */
function tokensIn({ tensors }: State, shape: Shape) {
  const { d } = shape
  const dv = valueCols(shape)
  const [keys, values, bias] = ['keys', 'values', 'logWeights'].map((name) => tensors.get(name)?.data)
  checkFits(KIND, isFloat32(keys) && isFloat32(values) && keys.length % d === 0)
  const rows = keys.length / d
  checkFits(KIND, values.length === rows * dv)
  checkFits(KIND, bias === undefined || (isFloat32(bias) && bias.length === rows))
  checkKeys(KIND, 'keys', { rows, cols: d, data: keys })
  checkValues(KIND, 'values', { rows, cols: dv, data: values })
  if (bias) checkEntries(KIND, 'logWeights', bias, 1)
  return { keys, values, bias }
}
