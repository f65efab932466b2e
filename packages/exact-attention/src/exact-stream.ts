import {
  checkEntries,
  checkFits,
  checkInteger,
  checkKeys,
  checkScale,
  checkValues,
  decodeSnapshot,
  life,
  liveStream,
  numbersIn,
  reserveMemory,
  type AttentionStream,
  type Inside,
  type KvBlock,
  type Method,
  type Shape,
  type Snapshot,
} from '@sublinear/core'
import { newPages, pagedTokens, pagesBytes, type PagedTokens, type Tokens } from './paged-tokens'

const KIND = 'exact'
const VERSION = '2'

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
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const [d, dv, scale] = numbersIn(snapshot, 'd', 'dv', 'scale') as [number, number, number]
  return live({ d, dv, scale }, snapshot)
}

export const exactMethod: Method = {
  name: KIND,
  source: 'not from the papers: all keys and values, kept',
  learns: 'nothing',
  make: exactStream,
  bytes: (shape, _, { tokens, weighted = false }) => pagesBytes(shape, tokens, weighted),
  within(shape, budgetBytes, { tokens, weighted = false }) {
    return pagesBytes(shape, tokens, weighted) <= budgetBytes ? {} : undefined
  },
  open: restoreExactStream,
}

function live(shape: Shape, from?: Snapshot): AttentionStream & Disposable {
  const { d, dv, scale } = shape
  checkInteger('exactStream', 'd', d, 1)
  checkInteger('exactStream', 'dv', dv, 1)
  checkScale('exactStream', scale)
  const pages = pagedTokens(shape)
  if (from) pages.append(tokensIn(from, shape))

  const inside: Inside = {
    kind: KIND,
    version: VERSION,
    d,
    dv,
    scale,
    merging: 'linear',
    identity: { d: String(d), dv: String(dv), scale: String(scale) },
    bytes: () => pages.bytes,
    take(block, first) {
      pages.append(logWeighted(block), first)
      return block.keys.rows - first
    },
    answer: (queries, out, arrived) => pages.attend(queries, out, arrived),
    continues: true,
    refuses: ({ keys: { rows } }) => reserve(pages, shape, rows),
    joining(later) {
      const theirs = tokensIn(later, shape)
      reserve(pages, shape, theirs.keys.length / d)
      return () => pages.append(theirs)
    },
    saved() {
      const { keys, values, bias } = pages.read()
      const tokens = pages.count
      return {
        tensors: {
          keys: { dtype: 'F32', shape: [tokens, d], data: keys },
          values: { dtype: 'F32', shape: [tokens, dv], data: values },
          ...(bias && { logWeights: { dtype: 'F32' as const, shape: [tokens], data: bias } }),
        },
      }
    },
    dispose: () => pages[Symbol.dispose](),
  }
  return liveStream(inside, life(KIND, pages.count))
}

/** Asks for the memory of the pages that so many more tokens need, and gives it back: throws where there is none. */
function reserve({ count, room }: PagedTokens, { d, dv }: Shape, tokens: number): void {
  if (tokens <= room) return
  reserveMemory(4 * newPages(count + room, tokens - room) * (d + dv))
}

function logWeighted({ keys, values, weights }: KvBlock): Tokens {
  return { keys: keys.data, values: values.data, bias: weights?.map(Math.log) }
}

/** @throws RangeError when the tensors do not fit, or push would refuse them */
function tokensIn({ tensors }: Snapshot, { d, dv }: Shape): Tokens {
  const [keys, values, bias] = ['keys', 'values', 'logWeights'].map((name) => tensors.get(name)?.data)
  checkFits(KIND, keys instanceof Float32Array && values instanceof Float32Array && keys.length % d === 0)
  const rows = keys.length / d
  checkFits(KIND, values.length === rows * dv)
  checkFits(KIND, bias === undefined || (bias instanceof Float32Array && bias.length === rows))
  checkKeys(KIND, 'keys', { rows, cols: d, data: keys })
  checkValues(KIND, 'values', { rows, cols: dv, data: values })
  if (bias) checkEntries(KIND, 'logWeights', bias, 1)
  return { keys, values, bias }
}
