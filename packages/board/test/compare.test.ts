// compare: what contestants are given, the form of the board, progress, and what is refused. Its errors are tried in compare-errors.test.ts,
// its sample in compare-sample.test.ts, its budgets in compare-bytes.test.ts. Kills: a prefix pushed to a stream that learns.
import { expect, test } from 'vitest'
import type { Method } from '@sublinear/core'
import { exactMethod, exactStream } from '@sublinear/exact-attention'
import { windowMethod } from '@sublinear/kv-cache'
import { compare } from '../src'
import { answering, methodsOf, only, type Make } from './known-answers'
import { d, dv, groups, head, lastValue, n, prefix, rows } from './known-head'

const last = (rows: number) => head.values.data.slice((rows - 1) * dv, rows * dv)

test('a pilot is the first rows of the prefix, 512 of them or as many as asked for', async () => {
  const seen: unknown[] = []
  const look: Make = (_shape, _budget, tokens, pilot) => {
    seen.push([tokens, pilot?.queries.rows, pilot?.keys.rows, pilot?.values.data.slice(-dv)])
    return undefined
  }
  const options = { heads: [head], methods: methodsOf({ look }), budgets: ['1/2'], prefix }
  for (const pilot of [{}, { pilot: 10 }, { pilot: 0 }]) await compare({ ...options, ...pilot })
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
  expect(Object.keys(only(board))).toEqual(['stream', 'outcome', 'bytes', 'peakBytes', 'memory', 'errors', 'interval'])
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
