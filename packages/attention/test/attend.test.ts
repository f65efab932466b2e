// attend over every kind of source against float64. Kills: rows lost where blocks of the three sources end apart, groups cut by a
// block's end, a source's early end taken for the end of all, sources left open after an error, an abort or an early return, an
// error of a source replaced by another, progress that counts blocks, causal and not mixed up.
import { fc, test } from '@fast-check/vitest'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { rowsOf } from '@sublinear/core'
import { attend, exactStream, type Matrix, type RowSource } from '../src'
import { distance, random, softmaxOracle } from '@sublinear/laws'

const shape = { d: 3, dv: 2, scale: 0.5 }

/** The rows in blocks of the given sizes, taken in turn. */
function* blocks(rows: Matrix, sizes: readonly number[]): Generator<Matrix> {
  const turn = sizes.some((size) => size > 0) ? sizes : [rows.rows]
  for (let from = 0, i = 0; from < rows.rows; i++) {
    const to = Math.min(rows.rows, from + turn[i % turn.length])
    yield rowsOf(rows, from, to)
    from = to
  }
}
async function* later(source: Iterable<Matrix>): AsyncGenerator<Matrix> {
  for (const block of source) {
    await Promise.resolve()
    yield block
  }
}
const readable = (source: Iterator<Matrix>) =>
  new ReadableStream<Matrix>({
    pull(controller) {
      const { done, value } = source.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
  })
const kinds: Record<string, (rows: Matrix, sizes: readonly number[]) => RowSource> = {
  matrix: (rows) => rows,
  array: (rows, sizes) => [...blocks(rows, sizes)],
  generator: blocks,
  'async generator': (rows, sizes) => later(blocks(rows, sizes)),
  ReadableStream: (rows, sizes) => readable(blocks(rows, sizes)),
  'a stream that cannot be iterated': (rows, sizes) => {
    const stream = readable(blocks(rows, sizes))
    return { getReader: () => stream.getReader() } as ReadableStream<Matrix>
  },
}
/** A source that says whether it was closed. */
function watched(rows: Matrix, sizes: readonly number[], failAt = Infinity) {
  const state = { closed: false, opened: false }
  const source = async function* () {
    state.opened = true
    try {
      let i = 0
      for (const block of blocks(rows, sizes)) {
        if (i++ === failAt) throw new Error('disk on fire')
        yield block
      }
    } finally {
      state.closed = true
    }
  }
  return { state, source: source() }
}
const all = async (answers: AsyncIterable<Matrix>) => {
  const parts: Matrix[] = []
  for await (const part of answers) parts.push(part)
  return { parts, data: parts.flatMap(({ data }) => [...data]) }
}
const inputs = (n: number, groups = 1, seed = 1) => ({
  queries: random(n * groups, 3, seed, 2),
  keys: random(n, 3, seed + 1, 2),
  values: random(n, 2, seed + 2),
})

describe('attend', () => {
  const cut = fc.array(fc.constantFrom(0, 1, 2, 5, 64, 1500), { minLength: 1, maxLength: 3 })
  const kind = fc.constantFrom(...Object.keys(kinds))

  test.prop(
    [
      fc.constantFrom(0, 1, 65, 130),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      fc.tuple(cut, cut, cut),
      fc.tuple(kind, kind, kind),
      fc.nat(),
    ],
    { seed: 1, numRuns: 80 },
  )('gives exact attention, row by row, however the sources are cut', async (n, groups, causal, cuts, from, seed) => {
    const { queries, keys, values } = inputs(n, groups, seed)
    const stream = exactStream(shape)
    const { parts, data } = await all(
      attend({
        queries: kinds[from[0]](queries, cuts[0]),
        keys: kinds[from[1]](keys, cuts[1]),
        values: kinds[from[2]](values, cuts[2]),
        stream,
        causal,
        groups,
      }),
    )
    const wanted = softmaxOracle(queries, keys, values, 0.5, (row) => (causal ? Math.floor(row / groups) + 1 : n))
    expect(distance(data, wanted)).toBeLessThan(1e-5)
    expect(parts.every(({ rows, cols }) => rows > 0 && cols === 2)).toBe(true)
    expect(stream.tokens).toBe(n)
  })

  it('holds a piece at a time: a matrix of 3000 rows comes back in pieces of 1024', async () => {
    for (const causal of [true, false]) {
      const { parts } = await all(attend({ ...inputs(3000), stream: exactStream(shape), causal }))
      expect(parts.map(({ rows }) => rows)).toEqual([1024, 1024, 952])
    }
  })

  it.each([
    ['keys', true, [5, 4, 5], 'attend: keys ended after 4 rows, values go on'],
    ['values', true, [5, 5, 4], 'attend: values ended after 4 rows, keys go on'],
    ['queries', true, [4, 5, 5], 'attend: queries ended after 4 rows, keys go on'],
    ['keys and values', true, [5, 4, 4], 'attend: keys ended after 4 rows, queries go on'],
    ['keys', false, [5, 4, 5], 'attend: keys ended after 4 rows, values go on'],
    ['values', false, [5, 5, 4], 'attend: values ended after 4 rows, keys go on'],
  ] as const)(
    'says that the %s ended early (causal: %s), and closes the others',
    async (_, causal, [q, k, v], message) => {
      const sources = [watched(random(q, 3, 1), [2]), watched(random(k, 3, 2), [2]), watched(random(v, 2, 3), [2])]
      const [queries, keys, values] = sources.map(({ source }): RowSource => source) as [
        RowSource,
        RowSource,
        RowSource,
      ]
      const answers = attend({ queries, keys, values, stream: exactStream(shape), causal })
      await expect(all(answers)).rejects.toThrow(expect.objectContaining({ name: 'RangeError', message }))
      expect(sources.every(({ state }) => state.closed || !state.opened)).toBe(true)
    },
  )

  it('says when the queries end within the groups of a token', async () => {
    const { keys, values } = inputs(3)
    const answers = attend({
      queries: random(8, 3, 1),
      keys,
      values,
      groups: 3,
      causal: true,
      stream: exactStream(shape),
    })
    await expect(all(answers)).rejects.toThrow('attend: queries ended within the groups of token 2')
  })

  it('passes on the error of a source, and closes the others', async () => {
    for (const broken of [0, 1, 2]) {
      const { queries, keys, values } = inputs(20)
      const sources = [queries, keys, values].map((rows, i) => watched(rows, [3], i === broken ? 3 : Infinity))
      const [q, k, v] = sources.map(({ source }): RowSource => source) as [RowSource, RowSource, RowSource]
      await expect(
        all(attend({ queries: q, keys: k, values: v, stream: exactStream(shape), causal: true })),
      ).rejects.toThrow('disk on fire')
      expect(sources.every(({ state }) => state.closed)).toBe(true)
    }
  })

  it('an error while closing hides no other', async () => {
    const { keys, values } = inputs(5)
    const queries = {
      [Symbol.iterator]: () => ({
        next: () => {
          throw new Error('first')
        },
        return: () => {
          throw new Error('second')
        },
      }),
    } as Iterable<Matrix>
    await expect(all(attend({ queries, keys, values, stream: exactStream(shape), causal: true }))).rejects.toThrow(
      'first',
    )
  })

  it('closes its sources when the caller stops listening', async () => {
    const { queries, keys, values } = inputs(20)
    const sources = [queries, keys, values].map((rows) => watched(rows, [3]))
    const [q, k, v] = sources.map(({ source }): RowSource => source) as [RowSource, RowSource, RowSource]
    for await (const part of attend({ queries: q, keys: k, values: v, stream: exactStream(shape), causal: true })) {
      expect(part.rows).toBe(3)
      break
    }
    expect(sources.every(({ state }) => state.closed)).toBe(true)
  })

  it('stops at an abort with its reason, before or between pieces', async () => {
    for (const at of [0, 6]) {
      const { queries, keys, values } = inputs(20)
      const sources = [queries, keys, values].map((rows) => watched(rows, [3]))
      const [q, k, v] = sources.map(({ source }): RowSource => source) as [RowSource, RowSource, RowSource]
      const stop = new AbortController()
      if (at === 0) stop.abort(new Error('enough'))
      const stream = exactStream(shape)
      const onProgress = ({ tokens }: { tokens: number }) => tokens >= at && stop.abort(new Error('enough'))
      await expect(
        all(attend({ queries: q, keys: k, values: v, stream, causal: true, signal: stop.signal, onProgress })),
      ).rejects.toThrow('enough')
      expect(stream.tokens).toBe(at === 0 ? 0 : at + 3)
      expect(sources.every(({ state }) => state.closed || !state.opened)).toBe(true)
    }
  })

  it('cancels streams that were never read', async () => {
    const cancel = vi.fn()
    const queries = new ReadableStream<Matrix>({ cancel })
    const bare = { getReader: () => queries.getReader() } as ReadableStream<Matrix>
    const { keys, values } = inputs(5)
    await expect(
      all(
        attend({ queries: bare, keys, values, stream: exactStream(shape), causal: true, signal: AbortSignal.abort() }),
      ),
    ).rejects.toThrow()
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('reports tokens and rows answered, after every piece', async () => {
    const report = vi.fn()
    const { queries, keys, values } = inputs(5, 2)
    await all(
      attend({
        queries,
        keys: blocks(keys, [2]),
        values,
        groups: 2,
        stream: exactStream(shape),
        causal: true,
        onProgress: report,
      }),
    )
    expect(report.mock.calls.map(([progress]) => progress)).toEqual([
      { tokens: 2, answered: 4 },
      { tokens: 4, answered: 8 },
      { tokens: 5, answered: 10 },
    ])
    report.mockClear()
    await all(attend({ queries, keys, values, stream: exactStream(shape), causal: false, onProgress: report }))
    expect(report.mock.calls.map(([progress]) => progress)).toEqual([
      { tokens: 5, answered: 0 },
      { tokens: 5, answered: 10 },
    ])
  })

  it.each([
    [{ groups: 0 }, 'attend: groups must be an integer >= 1, got 0'],
    [{ causal: undefined }, 'attend: causal must be true or false, got undefined'],
    [{ keys: 7 }, 'attend: keys must be a Matrix or an iterable or stream of them, got number'],
    [{ values: [[1, 2]] }, 'attend: values must be a Matrix with Float32Array data, got an array'],
    [{ keys: [random(2, 3, 1), random(2, 4, 1)] }, 'attend: keys must have 3 columns, got 4'],
    [{ queries: random(5, 4, 1) }, 'exact: queries must have 3 columns, got 4'],
    [
      { queries: { rows: 1, cols: 3, data: Float32Array.of(1, NaN, 0) } },
      'attend: queries must be finite, got NaN at row 0, column 1',
    ],
  ])('refuses %o, and closes what it opened', async (change, message) => {
    const good = inputs(5)
    const sources = {
      queries: watched(good.queries, [2]),
      keys: watched(good.keys, [2]),
      values: watched(good.values, [2]),
    }
    const { queries, keys, values } = sources
    const options = {
      queries: queries.source,
      keys: keys.source,
      values: values.source,
      stream: exactStream(shape),
      causal: true,
      ...change,
    }
    await expect(all(attend(options as never))).rejects.toThrow(message)
    for (const { state } of Object.values(sources)) expect(state.closed || !state.opened).toBe(true)
  })
  afterEach(() => vi.restoreAllMocks())
})
