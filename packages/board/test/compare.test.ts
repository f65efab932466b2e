// compare: the equal-bytes board against a float64 oracle written out here, and contestants whose answers or crimes are known beforehand.
// Kills: ‖softmax‖₂ without its root, ‖V‖_F or max ‖v‖ over the prefix only, groups paired with other tokens, a budget looked at only at the end
// or only by what a stream says, a cheat whose errors enter the means, shares of all tokens instead of the prefix, a reservoir that never takes
// later tokens (z = -23) or half as often as it should (z = -12), a prefix pushed to a stream that learns, a placeholder for a snapshot taken
// for one. A reservoir that is off by one token in 64 passes: it is a reference, and that moves it by less than its spread.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { catalogue } from '@sublinear/attention'
import { emptyPartial, rowsOf, type Matrix, type Method } from '@sublinear/core'
import { exactMethod, exactStream } from '@sublinear/exact-attention'
import { decodeNpy } from '@sublinear/io'
import { windowMethod } from '@sublinear/kv-cache'
import { boardMeans, boardMethod, compare, type BoardHead, type BoardMethodOptions, type BoardStream } from '../src'

type Make = BoardMethodOptions['make']

/** Methods of functions by name. */
const methodsOf = (makes: Readonly<Record<string, Make>>, learns?: BoardMethodOptions['learns']) =>
  Object.entries(makes).map(([name, make]) => boardMethod({ name, make, ...(learns && { learns }) }))

/** Numbers in [−1, 1) from a fixed linear congruence. */
function rows(count: number, cols: number, seed: number): Matrix {
  let x = seed >>> 0
  const next = () => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1
  return { rows: count, cols, data: Float32Array.from({ length: count * cols }, next) }
}

const [n, prefix, d, dv, groups, scale] = [90, 70, 3, 2, 2, 2.5]
const head: BoardHead = {
  name: 'h',
  queries: rows(groups * n, d, 1),
  keys: rows(n, d, 2),
  values: rows(n, dv, 3),
  scale,
}
const MUCH = 1_000_000

/** Softmax weights of a query over the tokens up to `token`, in float64. */
function weightsOf(row: number, token: number): number[] {
  const scores = Array.from({ length: token + 1 }, (_, j) => {
    let s = 0
    for (let c = 0; c < d; c++) s += head.queries.data[row * d + c] * head.keys.data[j * d + c]
    return Math.exp(scale * s)
  })
  const mass = scores.reduce((a, b) => a + b, 0)
  return scores.map((e) => e / mass)
}

const value = (t: number, c: number) => head.values.data[t * dv + c]
const over = (all: number[]) => ({ mean: all.reduce((a, b) => a + b, 0) / all.length, worst: Math.max(...all) })

/** The three units for answers that are a function of the token, straight from their definitions. */
function oracle(answer: (token: number) => readonly number[]) {
  let [distance, norm] = [0, 0]
  const [softmax, relativeToValue]: [number[], number[]] = [[], []]
  for (let row = prefix * groups; row < n * groups; row++) {
    const token = Math.floor(row / groups)
    const weights = weightsOf(row, token)
    let [off, frobenius, largest] = [0, 0, 0]
    for (let c = 0; c < dv; c++) {
      const exact = weights.reduce((sum, w, t) => sum + w * value(t, c), 0)
      off += (answer(token)[c] - exact) ** 2
      norm += exact ** 2
    }
    for (let t = 0; t <= token; t++) {
      let squared = 0
      for (let c = 0; c < dv; c++) squared += value(t, c) ** 2
      frobenius += squared
      largest = Math.max(largest, squared)
    }
    distance += off
    softmax.push(Math.sqrt(off / (weights.reduce((sum, w) => sum + w * w, 0) * frobenius)))
    relativeToValue.push(Math.sqrt(off / largest))
  }
  return { relative: Math.sqrt(distance / norm), softmax: over(softmax), value: over(relativeToValue) }
}

/** The same numbers to a relative 2e-5: exact answers come from float32 kernels. */
function expectErrors(got: unknown, want: ReturnType<typeof oracle>) {
  const flat = (errors: ReturnType<typeof oracle>) => [
    errors.relative,
    ...[errors.softmax, errors.value].flatMap(({ mean, worst }) => [mean, worst]),
  ]
  const wanted = flat(want)
  for (const [i, x] of flat(got as ReturnType<typeof oracle>).entries())
    expect(Math.abs(x / wanted[i] - 1)).toBeLessThan(2e-5)
}

/** A contestant whose answer to every query of token t is given: what it is worth can be computed by hand. */
function answering(answer: (token: number) => readonly number[], extra: Partial<BoardStream> = {}): Make {
  return () => {
    let tokens = 0
    return {
      bytes: 8,
      push: ({ keys }) => void (tokens += keys.rows),
      attend(queries) {
        const out = emptyPartial(queries.rows, dv)
        for (let r = 0; r < queries.rows; r++) {
          out.max[r] = 0
          out.mass[r] = 1
          out.sum.data.set(answer(tokens - 1), r * dv)
        }
        return out
      },
      ...extra,
    }
  }
}

const lastValue = (token: number) => [...head.values.data.subarray(token * dv, (token + 1) * dv)]
const meanValue = (token: number) =>
  Array.from({ length: dv }, (_, c) => {
    let total = 0
    for (let t = 0; t <= token; t++) total += head.values.data[t * dv + c]
    return total / (token + 1)
  })
const only = (board: Awaited<ReturnType<typeof compare>>) => board.heads[0].budgets[0].cells[0]

describe('errors', () => {
  test.each([1, 7, 64])('all three units equal the float64 oracle, in blocks of %d', async (block) => {
    const methods = [...methodsOf({ last: answering(lastValue) }), exactMethod]
    const board = await compare({ heads: [head], methods, budgets: [MUCH], prefix, block })
    const [last, exact] = board.heads[0].budgets[0].cells
    expectErrors(last.errors, oracle(lastValue))
    expect(exact.errors!.relative).toBeLessThan(1e-6)
    expectErrors(
      board.heads[0].zero,
      oracle(() => [0, 0]),
    )
    expectErrors(board.heads[0].uniform, oracle(meanValue))
    expect(board.heads[0].zero.relative).toBe(1)
    expect(board.heads[0].budgets[0].sample.relative).toBeLessThan(1e-6) // a sample of everything
  })

  test('only the tokens asked for are looked at', async () => {
    const part = {
      ...head,
      queries: rowsOf(head.queries, 0, groups * 80),
      keys: rowsOf(head.keys, 0, 80),
      values: rowsOf(head.values, 0, 80),
    }
    const options = { methods: methodsOf({ last: answering(lastValue) }), budgets: [MUCH], prefix, queries: 10 }
    const [whole, cut] = [await compare({ heads: [head], ...options }), await compare({ heads: [part], ...options })]
    expect(only(whole)).toEqual(only(cut))
  })

  // One token held of 64, scores all 0: the answer is 1 if the token is of the last quarter, else 0, and the truth is 1/4. So the error is 3
  // with probability 1/4, else 1: mean 1.5, deviation 0.866 a trial; 1600 trials, |z| < 5: a false alarm in 1.7 million.
  test('a uniform sample holds every token with the same probability', async () => {
    const zeros = rows(64, 1, 1)
    zeros.data.fill(0)
    const values = { ...zeros, data: Float32Array.from({ length: 64 }, (_, t) => (t >= 48 ? 1 : 0)) }
    const one = { name: 'quarter', queries: zeros, keys: zeros, values, scale: 1 }
    for (const start of [40, 52]) {
      let total = 0
      for (let seed = 0; seed < 400; seed++) {
        const options = {
          heads: [{ ...one }],
          budgets: [8],
          methods: methodsOf({ last: answering(() => [0, 0]) }),
          seed,
        }
        const board = await compare({ ...options, prefix: 63, queries: 1, block: start })
        total += board.heads[0].budgets[0].sample.relative
      }
      expect(Math.abs((total / 400 - 1.5) / (0.866 / 40))).toBeLessThan(5)
    }
    // The reservoir after it has gone on: at the last of 24 judged queries the law is the same.
    let hits = 0
    for (let seed = 0; seed < 400; seed++) {
      const board = await compare({
        heads: [
          { ...one, values: { ...zeros, data: Float32Array.from({ length: 64 }, (_, t) => (t === 63 ? 1 : 0)) } },
        ],
        budgets: [4 * 2 * 16],
        methods: methodsOf({ last: answering(() => [0, 0]) }),
        prefix: 40,
        queries: 24,
        seed,
      })
      // Truth 0 until the last query, then 1/64; a sample of 16 that holds the last token answers 1/16 there.
      hits += board.heads[0].budgets[0].sample.value.worst
    }
    // worst = |1/16 − 1/64| when held (1 in 4), else 1/64: mean 1/64 + (2/64)/4; deviation (2/64)·0.433 a trial.
    expect(Math.abs((hits / 400 - 1.5 / 64) / ((2 / 64) * (0.433 / 40)))).toBeLessThan(5)
  })
})

/** The first tokens of a captured head. */
const sampleOf = (model: string): BoardHead => {
  const part = (name: string, count: number): Matrix => {
    const path = fileURLToPath(new URL(`../../../apps/cli/data/${model}-${name}.npy`, import.meta.url))
    const { data } = decodeNpy(readFileSync(path))
    return { rows: count, cols: 32, data: Float32Array.from(data.subarray(0, count * 32) as Float32Array) }
  }
  return { name: model, queries: part('q', 1024), keys: part('k', 1024), values: part('v', 1024) }
}

/** Exact, with whatever it says of its bytes, and a snapshot of so many. */
const spell =
  (when: (pushed: number) => number, saved = 0): Make =>
  (shape) => {
    const inner = exactStream(shape)
    let pushed = 0
    return {
      get bytes() {
        return when(pushed)
      },
      push: (block) => void ((pushed += block.keys.rows), inner.push(block)),
      attend: (queries) => inner.attend(queries),
      toBytes: () => new Uint8Array(8 + saved),
    }
  }

describe('bytes', () => {
  test('every method of the catalogue stays within its budget, and those of tokens use it', async () => {
    const board = await compare({
      heads: [sampleOf('sharp'), sampleOf('bounded')],
      methods: catalogue,
      budgets: ['1/2', '1/8', 40_001],
      prefix: 960,
    })
    const cache = 4 * 960 * 64
    for (const { budgets, cacheBytes } of board.heads) {
      expect(cacheBytes).toEqual({ float32: cache, float16: cache / 2 })
      expect(budgets.map(({ bytes }) => bytes)).toEqual([cache / 2, cache / 8, 40_001])
      for (const { bytes, cells } of budgets) {
        for (const { stream, outcome, peakBytes } of cells) {
          expect([stream, ['within', 'does not fit'].includes(outcome)]).toEqual([stream, true])
          if (outcome === 'within') expect(peakBytes).toBeLessThanOrEqual(bytes)
          if (['window', 'streamingLlm', 'h2o', 'farKeys'].includes(stream))
            expect(peakBytes).toBeGreaterThan(bytes - 600)
        }
      }
    }
    expect(only(board)).toEqual({ stream: 'exact', outcome: 'does not fit' })
  })

  test('a stream that holds too much at any time is reported, and enters no mean', async () => {
    const streams = {
      honest: spell(() => 500, 500),
      brief: spell((pushed) => (pushed === 20 ? 501 : 8)),
      liar: spell(() => 8, 501),
      throws: () => {
        throw new Error('out of luck')
      },
      silent: answering(() => [NaN, 0]),
      nameless: () => ({ push: () => {}, attend: () => emptyPartial(1, dv) }) as unknown as BoardStream,
      none: () => undefined,
    }
    const board = await compare({ heads: [head], methods: methodsOf(streams), budgets: [500], prefix, block: 10 })
    const { cells } = board.heads[0].budgets[0]
    const by = Object.fromEntries(cells.map((cell) => [cell.stream, cell]))
    expect(by['honest']).toMatchObject({ outcome: 'within', bytes: 500, peakBytes: 500 })
    expect(by['brief']).toMatchObject({
      outcome: 'over',
      peakBytes: 501,
      bytes: 8,
      why: 'it held 501 bytes in a budget of 500',
    })
    expect(by['liar']).toMatchObject({
      outcome: 'over',
      bytes: 501,
      why: 'its snapshot holds 501 bytes where it says 8, in a budget of 500',
    })
    expect(by['throws']).toEqual({ stream: 'throws', outcome: 'failed', why: 'out of luck' })
    expect(by['silent']).toMatchObject({ outcome: 'failed', why: 'it answered what is no finite number' })
    expect(by['nameless']).toMatchObject({ outcome: 'failed', why: expect.stringContaining('bytes of a stream') })
    expect(by['none']).toEqual({ stream: 'none', outcome: 'does not fit' })
    const means = boardMeans(board)[0].streams
    expect(means.filter(({ error }) => error !== undefined).map(({ stream }) => stream)).toEqual(['honest'])
    expect(means.map(({ outcome }) => outcome)).toEqual(cells.map(({ outcome }) => outcome))
  })

  test('a snapshot that is none stops nobody: the cell says that there was nothing to look at', async () => {
    const placeholders = {
      empty: new Uint8Array(0),
      short: new Uint8Array(7),
      noise: new Uint8Array(100).fill(255),
      none: undefined as unknown as Uint8Array,
    }
    const makes = Object.entries(placeholders).map(
      ([name, saved]) => [name, answering(lastValue, { toBytes: () => saved })] as const,
    )
    const throwing = answering(lastValue, {
      toBytes() {
        throw new Error('not yet')
      },
    })
    const methods = methodsOf({ without: answering(lastValue), throwing, ...Object.fromEntries(makes) })
    const board = await compare({ heads: [head], methods, budgets: [500], prefix })
    for (const cell of board.heads[0].budgets[0].cells)
      expect(cell).toMatchObject({
        outcome: 'within',
        bytes: 8,
        why: 'it gives no snapshot: what it holds is its own word',
        errors: only(board).errors,
      })
  })
})

test('a pilot is the first rows of the prefix, 512 of them or as many as asked for', async () => {
  const seen: unknown[] = []
  const look: Make = (_shape, _budget, tokens, pilot) => {
    seen.push([tokens, pilot?.queries.rows, pilot?.keys.rows, pilot?.values.data.slice(-dv)])
    return undefined
  }
  const options = { heads: [head], methods: methodsOf({ look }), budgets: ['1/2'], prefix }
  for (const pilot of [{}, { pilot: 10 }, { pilot: 0 }]) await compare({ ...options, ...pilot })
  const last = (rows: number) => head.values.data.slice((rows - 1) * dv, rows * dv)
  expect(seen).toEqual([
    [n, prefix * groups, prefix, last(prefix)],
    [n, 10 * groups, 10, last(10)],
    [n, undefined, undefined, undefined],
  ])
})

test('a stream that learns gets its prefix by step, with the queries; others by push', async () => {
  const calls: string[] = []
  const spy: Make = (shape) => {
    const inner = exactStream(shape)
    return {
      bytes: 0,
      push: (block) => void (calls.push(`push ${block.keys.rows}`), inner.push(block)),
      attend: (queries) => inner.attend(queries),
      step(block, queries) {
        calls.push(`step ${block.keys.rows} ${queries.rows}`)
        return inner.step(block, queries)
      },
    }
  }
  const options = { heads: [head], budgets: ['1/2'], prefix, block: 40 }
  const board = await compare({ ...options, methods: methodsOf({ spy }) })
  expect(calls.splice(0)).toEqual(['push 40', 'push 30', 'step 20 40'])
  expect(only(await compare({ ...options, methods: methodsOf({ spy }, 'queries') }))).toEqual(only(board))
  expect(calls).toEqual(['step 40 80', 'step 30 60', 'step 20 40'])
})

test('the board is plain JSON of a fixed form, the same every time, with times only by the given clock', async () => {
  const options = {
    heads: [head],
    methods: [windowMethod as Method],
    budgets: ['1/1', 1700],
    prefix,
    seed: 3,
  }
  const board = await compare(options)
  expect(JSON.parse(JSON.stringify(board))).toEqual(board)
  expect(await compare(options)).toEqual(board)
  expect(Object.keys(board)).toEqual(['version', 'reproduce', 'prefix', 'queries', 'block', 'seed', 'streams', 'heads'])
  expect(Object.keys(board.heads[0])).toEqual([
    'name',
    'd',
    'dv',
    'scale',
    'tokens',
    'cacheBytes',
    'zero',
    'uniform',
    'budgets',
  ])
  expect(Object.keys(board.heads[0].budgets[0])).toEqual(['name', 'bytes', 'sample', 'cells'])
  expect(Object.keys(only(board))).toEqual(['stream', 'outcome', 'bytes', 'peakBytes', 'memory', 'errors'])
  expect(only(board).memory!.map(([tokens]) => tokens)).toEqual([64, 90])
  expect(board.reproduce).toContain('"budgets":["1/1",1700]')
  let clock = 0
  const timed = await compare({ ...options, now: () => (clock += 7), reproduce: 'again' })
  // Each call takes 7 ms by this clock: 2 calls for 70 tokens, 1 for 40 query rows.
  expect(only(timed).time).toEqual({ push: (1000 * 14) / 70, query: (1000 * 7) / 40 })
  expect(timed.reproduce).toBe('again')
})

test('progress is awaited after every cell, and an abort stops between them', async () => {
  const seen: string[] = []
  const abort = new AbortController()
  const methods = methodsOf({ a: answering(lastValue), b: answering(lastValue) })
  const run = compare({
    heads: [head, head],
    methods,
    budgets: ['1/2', '1/4'],
    prefix,
    signal: abort.signal,
    async onProgress({ done, total, budget, stream }) {
      await Promise.resolve()
      seen.push(`${done}/${total} ${budget} ${stream}`)
      if (done === 3) abort.abort(new Error('enough'))
    },
  })
  await expect(run).rejects.toThrow('enough')
  expect(seen).toEqual(['1/8 1/2 a', '2/8 1/2 b', '3/8 1/4 a'])
})

test('refuses what cannot be compared, before anything runs', async () => {
  const fine = { heads: [head], methods: methodsOf({ a: answering(lastValue) }), budgets: ['1/2'], prefix }
  const nan = { ...head, keys: { ...head.keys, data: head.keys.data.map((x, i) => (i === 4 ? NaN : x)) } }
  for (const [wrong, message] of [
    [{ heads: [] }, 'compare: heads must be a list of at least one'],
    [{ budgets: ['a'] }, 'compare: budgets must be shares such as "1/16" or bytes, got "a"'],
    [{ budgets: ['1/0'] }, 'compare: budgets must be shares'],
    [{ budgets: [1.5] }, 'compare: budgets must be whole numbers of bytes >= 1, got 1.5'],
    [{ methods: [] }, 'compare: methods must be a list of at least one'],
    [{ methods: [lastValue as never] }, 'compare: methods must be methods, see boardMethod'],
    [{ methods: [exactMethod, exactMethod] }, 'compare: methods must have different names, got two called exact'],
    [{ pilot: -1 }, 'compare: pilot must be an integer >= 0, got -1'],
    [{ prefix: 0 }, 'compare: prefix must be an integer >= 1, got 0'],
    [{ prefix: n }, 'compare: head h must have as many tokens as the first, more than 90, got 90'],
    [{ queries: 21 }, 'compare: head h must have at least 91 tokens, got 90'],
    [{ heads: [nan] }, 'compare: keys of head h must be finite, got NaN at row 1, column 1'],
    [{ heads: [{ ...head, queries: rows(100, d, 1) }] }, 'compare: queries of head h must have a whole number of rows'],
    [{ heads: [{ ...head, scale: NaN }] }, 'compare: scale must be a finite number, got NaN'],
    [{ seed: -1 }, 'compare: seed must be an integer >= 0, got -1'],
  ] as const) {
    await expect(compare({ ...fine, ...wrong } as never)).rejects.toThrow(message)
  }
})
