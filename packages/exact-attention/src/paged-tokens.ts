import { readAnew } from '@sublinear/core'
import type { Arrived, Back, Matrix, PartialSoftmax, Shape } from '@sublinear/core'
import { attentionKernels, joinedSums, kernels, rangeOf, SEGMENT, type Floats, type Resident } from '@sublinear/kernels'
import { shapedAttend, type Sight } from './shaped-attend'
import { firstHeld, mostPages, valueCols, windowPage } from './window-pages'

const made = readAnew<PagedTokens, 'count' | 'first' | 'room' | 'piece' | 'bytes'>()

/** Largest page, in tokens. Pages double from 64 tokens up to it, so that the bytes held depend on the number of tokens alone. */
const LARGEST_PAGE = 4096
const LEAST_PAGE = 64

/** Tokens with the logarithms of their weights. */
export interface Tokens {
  readonly keys: Floats // n × d
  readonly values: Floats // n × dv
  readonly bias?: Float32Array | undefined // n
}

/** Tokens first … first + capacity − 1 of the stream, in the kernels' memory. */
interface Page {
  readonly first: number
  readonly capacity: number
  readonly keys: Resident<Float32Array> // capacity × d
  readonly values: Resident<Float32Array> // capacity × dv, or nothing where values are in the keys
  /**
   * Log weights, capacity of them; present where any token of the page has a weight other than 1, so that it does not depend on snapshots or on how tokens came.
   */
  bias?: Resident<Float32Array> | undefined
}

/** Index of the segment of SEGMENT tokens of the stream in which a page lies: sizes are powers of two, so it is one. */
function segmentOf({ first }: Page): number {
  return Math.floor(first / SEGMENT)
}

/** All tokens of a stream, or those that its window needs, in pages that never move. */
export interface PagedTokens extends Disposable {
  readonly count: number
  /** Number of the first token that is still held. */
  readonly first: number
  /** Number of tokens that fit into the last page. */
  readonly room: number
  readonly bytes: number
  /** Adds tokens from row `from` on, up to row `to`. */
  append(tokens: Tokens, from?: number, to?: number): void
  /** Number of tokens that can be added before pages are freed, at least one. */
  readonly piece: number
  /** Continues a partial softmax over all tokens; with `arrived`, row i does not see the last count − 1 − ⌊i / groups⌋. */
  attend(queries: Matrix, partial: PartialSoftmax, arrived?: Arrived): void
  /** Copies tokens from place `first` on, as many as there is room for, and returns how many it copied. */
  read(first: number, keys: Float32Array, values: Float32Array): number
  /** Says which tokens can be taken back: the newest ones; where a window frees pages, those of the last page. */
  readonly back: Back
  /** Keys and values where they lie, page by page, and a copy of the log weights. */
  held(): {
    readonly keys: readonly Resident<Float32Array>[]
    readonly values: readonly Resident<Float32Array>[]
    readonly bias?: Float32Array | undefined
  }
}

/** Capacity of the page that begins after so many tokens. */
function pageAfter(tokens: number, window?: number): number {
  return window === undefined ? Math.min(LARGEST_PAGE, Math.max(LEAST_PAGE, tokens)) : windowPage(window)
}

/** The most bytes of the pages of so many tokens. */
export function pagesBytes(shape: Shape, tokens: number, weighted: boolean): number {
  const { d, window } = shape
  const dv = valueCols(shape)
  if (window !== undefined) return 4 * (d + dv + (weighted ? 1 : 0)) * mostPages(window, tokens) * windowPage(window)
  let room = tokens > 0 ? LEAST_PAGE : 0
  while (room < Math.min(tokens, LARGEST_PAGE)) room *= 2
  if (tokens > LARGEST_PAGE) room = LARGEST_PAGE * Math.ceil(tokens / LARGEST_PAGE)
  return 4 * (d + dv + (weighted ? 1 : 0)) * room
}

/** The capacity of all pages that must be made for `more` tokens after so many. */
export function newPages(tokens: number, more: number, window?: number): number {
  if (window !== undefined) return windowPage(window) * mostPages(window, more)
  let room = 0
  while (room < more) room += pageAfter(tokens + room)
  return room
}

/**
 * Makes an empty store of pages.
 *
 * @param start  place of the first token to come, where the tokens before it are outside the window
 */
export function pagedTokens(shape: Shape, start = 0): PagedTokens {
  const { d, scale, window, softcap, slope } = shape
  const dv = valueCols(shape)
  const pages: Page[] = []
  let tokens = start
  const ends = () => pages.reduce((end, { capacity }) => end + capacity, 0)
  const isShaped = [window, softcap, slope, shape.values].some((feature) => feature !== undefined)

  const lastPage = (): Page => {
    const last = pages.at(-1)
    if (last && tokens < last.first + last.capacity) return last
    if (window !== undefined) {
      const first = firstHeld(window, tokens + 1)
      while (pages.length > 0 && pages[0].first < first) release(pages.shift()!)
    }
    const capacity = pageAfter(tokens, window)
    const page = {
      first: tokens,
      capacity,
      keys: kernels().floats(capacity * d),
      values: kernels().floats(capacity * dv),
    }
    pages.push(page)
    return page
  }
  const isWeighted = () => pages.some((page) => page.bias)
  const first = () => pages[0]?.first ?? tokens

  /**
   * Answers page by page. Pages within the same SEGMENT tokens of the stream continue one partial softmax; then a new part begins, since float32 sums lose more
   * digits the more they add.
   */
  const eachPage = ({ max, mass, sum }: PartialSoftmax, answer: (page: Page, out: PartialSoftmax) => void) => {
    let out: PartialSoftmax = { max, mass, sum }
    let joined: ReturnType<typeof joinedSums> | undefined
    for (const [i, page] of pages.entries()) {
      if (i > 0 && segmentOf(page) !== segmentOf(pages[i - 1])) {
        joined?.join()
        joined ??= joinedSums({ max, mass, sum: sum.data })
        out = { ...joined.part, sum: { rows: sum.rows, cols: sum.cols, data: joined.part.sum } }
      }
      answer(page, out)
    }
    joined?.join()
    joined?.end()
  }

  /** Attends with the features of a shape: row i stands at the place of its token, after the tokens that were added last. */
  const attendShaped = (queries: Matrix, page: Page, out: PartialSoftmax, { count, groups }: Arrived) => {
    const place = (row: number) => tokens - count + Math.floor(row / groups) - page.first
    const sight: Sight = {
      from: (row) => (window === undefined ? 0 : place(row) - window + 1),
      end: (row) => place(row) + 1,
      place,
    }
    const held = {
      keys: page.keys,
      ...(shape.values === undefined && { values: page.values }),
      ...(page.bias && { bias: page.bias }),
      count: Math.min(page.capacity, tokens - page.first),
    }
    shapedAttend({ d, dv: shape.dv, scale, ...scoring }, queries.data, held, sight, out)
  }
  const scoring = { ...(softcap !== undefined && { softcap }), ...(slope !== undefined && { slope }) }

  return made(
    {
      count: () => tokens,
      first: () => first(),
      room: () => first() + ends() - tokens,
      piece: () => (window === undefined ? Infinity : windowPage(window) - (tokens % windowPage(window))),
      bytes: () => 4 * (d + dv + (isWeighted() ? 1 : 0)) * ends(), // a snapshot has all log weights or none,
    },
    {
      append({ keys, values, bias }, start = 0, rows = keys.length / d) {
        for (let from = start; from < rows;) {
          const page = lastPage()
          const at = tokens - page.first
          const count = Math.min(page.capacity - at, rows - from)
          page.keys.write(rangeOf(keys, from * d, count * d), at * d)
          page.values.write(rangeOf(values, from * dv, count * dv), at * dv)
          const own = bias?.subarray(from, from + count)
          if (own && (page.bias || own.some(isWeight))) {
            page.bias ??= kernels().floats(page.capacity)
            page.bias.write(own, at)
          }
          tokens += count
          from += count
        }
      },
      attend(queries, partial, arrived) {
        eachPage(partial, (page, out) => {
          if (isShaped) return attendShaped(queries, page, out, arrived ?? { count: 1, groups: Infinity })
          attentionKernels().attend({
            queries: queries.data,
            keys: page.keys,
            values: page.values,
            ...(page.bias && { bias: page.bias }),
            rows: queries.rows,
            keyCount: Math.min(page.capacity, tokens - page.first),
            d,
            dv,
            scale,
            ...(arrived && {
              causal: { visible: tokens - arrived.count + 1 - page.first, groups: arrived.groups },
            }),
            ...out,
            sum: out.sum.data,
          })
        })
      },
      read(first, keys, values) {
        const most = keys.length / d
        let count = 0
        for (const page of pages) {
          const from = first + count - page.first
          const rows = Math.min(page.capacity - from, tokens - page.first - from, most - count)
          if (from < 0 || rows <= 0) continue
          page.keys.range(from * d, rows * d).readInto(keys.subarray(count * d, (count + rows) * d))
          if (dv > 0) page.values.range(from * dv, rows * dv).readInto(values.subarray(count * dv, (count + rows) * dv))
          count += rows
        }
        return count
      },
      back: {
        spare: () => (window === undefined ? Infinity : first() + ends() - tokens),
        // A page that a window has freed is gone, and a page that begins tells how far the stream has come.
        most: (given) => (window === undefined ? given : Math.max(0, tokens - 1 - (pages.at(-1)?.first ?? tokens))),
        take(count) {
          tokens -= count
          while (pages.length > 0 && pages.at(-1)!.first >= tokens) release(pages.pop()!)
          const last = pages.at(-1)
          if (last?.bias && !logWeightsOf(last, tokens - last.first).some(isWeight)) {
            last.bias[Symbol.dispose]()
            delete last.bias
          }
        },
      },
      held() {
        const used = pages.map(({ first, capacity, ...page }) => {
          const count = Math.min(capacity, tokens - first)
          return { keys: page.keys.range(0, count * d), values: page.values.range(0, count * dv), page, first, count }
        })
        const bias = isWeighted() ? new Float32Array(tokens - first()) : undefined
        for (const { page, first: place, count } of bias ? used : [])
          page.bias?.range(0, count).readInto(bias!.subarray(place - first(), place - first() + count))
        return { keys: used.map(({ keys }) => keys), values: used.map(({ values }) => values), ...(bias && { bias }) }
      },
      [Symbol.dispose]() {
        for (const page of pages) release(page)
      },
    },
  )
}

const isWeight = (logWeight: number) => logWeight !== 0

/** A copy of the log weights of the first tokens of a page that has log weights. */
function logWeightsOf({ bias }: Page, count: number): Float32Array {
  const copy = new Float32Array(count)
  bias?.range(0, count).readInto(copy)
  return copy
}

function release({ keys, values, bias }: Page): void {
  for (const part of [keys, values, bias]) part?.[Symbol.dispose]()
}
