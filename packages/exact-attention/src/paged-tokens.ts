import type { Arrived, Matrix, PartialSoftmax, Shape } from '@sublinear/core'
import { kernels, type Resident } from '@sublinear/kernels'

/** Pages double from 64 tokens up to this many, so that what is held depends on the number of tokens alone. */
const LARGEST_PAGE = 4096
const LEAST_PAGE = 64

/** Tokens with the logarithms of their weights, which are what is kept. */
export interface Tokens {
  readonly keys: Float32Array // n × d
  readonly values: Float32Array // n × dv
  readonly bias?: Float32Array | undefined // n
}

/** Tokens first … first + capacity − 1 of the stream, in the kernels' memory. */
interface Page {
  readonly first: number
  readonly capacity: number
  readonly keys: Resident<Float32Array> // capacity × d
  readonly values: Resident<Float32Array> // capacity × dv
  /** capacity log weights, once any token came with a weight. */
  bias?: Resident<Float32Array>
}

/** All tokens of a stream, in pages that never move. */
export interface PagedTokens extends Disposable {
  readonly count: number
  /** Tokens that fit into the last page. */
  readonly room: number
  readonly bytes: number
  /** Adds tokens from row `from` on. */
  append(tokens: Tokens, from?: number): void
  /** Continues a partial softmax over all; with `arrived`, row i sees all but the last count − 1 − ⌊i / groups⌋. */
  attend(queries: Matrix, partial: PartialSoftmax, arrived?: Arrived): void
  read(): Tokens
}

/** Capacity of the page that begins after so many tokens. */
const pageAfter = (tokens: number) => Math.min(LARGEST_PAGE, Math.max(LEAST_PAGE, tokens))

/** Bytes of the pages of so many tokens. */
export function pagesBytes({ d, dv }: Shape, tokens: number, weighted: boolean): number {
  if (tokens === Infinity) return Infinity
  let room = 0
  while (room < tokens && room < LARGEST_PAGE) room += pageAfter(room)
  if (room < tokens) room += LARGEST_PAGE * Math.ceil((tokens - room) / LARGEST_PAGE)
  return 4 * (d + dv + (weighted ? 1 : 0)) * room
}

/** Capacity in all of the pages that are needed after so many tokens for so many more. */
export function newPages(tokens: number, more: number): number {
  let room = 0
  while (room < more) room += pageAfter(tokens + room)
  return room
}

export function pagedTokens({ d, dv, scale }: Shape): PagedTokens {
  const pages: Page[] = []
  let tokens = 0
  const ends = () => pages.reduce((end, { capacity }) => end + capacity, 0)

  const lastPage = (): Page => {
    const last = pages.at(-1)
    if (last && tokens < last.first + last.capacity) return last
    const capacity = pageAfter(tokens)
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

  return {
    get count() {
      return tokens
    },
    get room() {
      return ends() - tokens
    },
    get bytes() {
      return 4 * (d + dv + (isWeighted() ? 1 : 0)) * ends() // a snapshot has all log weights or none
    },
    append({ keys, values, bias }, first = 0) {
      const rows = keys.length / d
      for (let from = first; from < rows;) {
        const page = lastPage()
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
    },
    attend(queries, { max, mass, sum }, arrived) {
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
          ...(arrived && {
            causal: { visible: tokens - arrived.count + 1 - page.first, groups: arrived.groups },
          }),
          max,
          mass,
          sum: sum.data,
        })
      }
    },
    read() {
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
    },
    [Symbol.dispose]() {
      for (const { keys, values, bias } of pages) {
        keys[Symbol.dispose]()
        values[Symbol.dispose]()
        bias?.[Symbol.dispose]()
      }
    },
  }
}
