// 200 valid heads, from one row to more than a check looks at, through every command that takes files: none crashes, none prints NaN, and what it says is
// so by float64 attention of all rows. Kills: 0/0 in the tails of columns (18 fail) or in the energy found (52), a degree that is enough for nine tenths of
// the scores (3), a found row with another's output (200), an infinite figure (null in JSON).
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStream, type Plan } from '@sublinear/attention'
import type { Board } from '@sublinear/board'
import { matrix, type Matrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { decodeNpy } from '@sublinear/io'
import { taylorRadius } from '@sublinear/poly-features'
import type { Command } from 'commander'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { attendCommand } from '../src/attend-command'
import { compareCommand } from '../src/compare-command'
import type { Findings } from '../src/findings'
import { inspectCommand } from '../src/inspect-command'
import { planCommand } from '../src/plan-command'
import { recoverCommand } from '../src/recover-command'
import { anyFiles, npyOf, relative, truthOf, type AnyFile, type Truth } from './any-files'

let folder: string
let exitBefore: typeof process.exitCode
const at = (name: string) => join(folder, name)
const { signal } = new AbortController()
const all = [...anyFiles()]

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sublinear-any-'))
  for (const [i, one] of all.entries())
    for (const [f, bytes] of npyOf(one).entries()) writeFileSync(at(`${i}${'qkv'[f]}.npy`), bytes)
})
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(() => void (exitBefore = process.exitCode))
afterEach(() => {
  process.exitCode = exitBefore
  vi.restoreAllMocks()
})

/** Runs a command on head i in this process: its lines, and the exit code it asks for. */
async function run(make: (interrupt: AbortSignal) => Command, i: number, ...flags: readonly string[]) {
  const lines: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((...words) => void lines.push(words.join(' ')))
  process.exitCode = 0
  try {
    await make(signal)
      .exitOverride()
      .parseAsync([...['q', 'k', 'v'].map((f) => at(`${i}${f}.npy`)), ...flags], { from: 'user' })
  } finally {
    log.mockRestore()
  }
  return { text: lines.join('\n'), code: Number(process.exitCode) }
}

/** The same as JSON, in which only `may` may be null: JSON.stringify writes NaN and Infinity so. */
async function json<T>(
  make: (interrupt: AbortSignal) => Command,
  i: number,
  flags: readonly string[],
  may: readonly string[] = [],
): Promise<T & { readonly code: number }> {
  const { text, code } = await run(make, i, ...flags, '--json')
  const found = JSON.parse(text, (key, value: unknown) => {
    if (value === null && !may.includes(key)) throw new Error(`${key} is no number: ${text}`)
    return value
  })
  return { ...found, code }
}

const say = ({ kind, n, d, dv }: AnyFile) => `${kind}, ${n} tokens of ${d} and ${dv}`
const truths = new Map<AnyFile, Truth>()
/** Causal attention in float64. */
const causal = (one: AnyFile): Truth => {
  if (!truths.has(one)) truths.set(one, truthOf(one, true))
  return truths.get(one)!
}
const close = (a: number, b: number, within: number) => Math.abs(a - b) <= within
/** Plain words are read for one head of a kind, the largest but one. */
const isPrinted = (i: number) => i % 8 === 5
/** Kinds that a plan is made of on ninety rows too. */
const LONGER: ReadonlySet<string> = new Set(['values of 0', 'loud queries', 'the end unlike the start'])
const heads = all.map((one, i) => ({ one, i, name: say(one) }))

test('there are 200, each of finite float32', () => {
  expect(all).toHaveLength(200)
  for (const { queries, keys, values } of all)
    for (const data of [queries, keys, values]) expect(data.every(Number.isFinite)).toBe(true)
})

test.each(heads)('attend --check: $name', async ({ one, i }) => {
  interface Errors {
    readonly error: number
    readonly uniform: number
    readonly errorInterval: readonly [number, number]
  }
  const out = at('out.npy')
  const found = await json<Errors>(attendCommand, i, ['--out', out, '--check'])
  const { outputs, means } = causal(one)
  const answers = decodeNpy(readFileSync(out)).data as Float32Array
  expect(answers.every(Number.isFinite)).toBe(true)
  if (one.certain) {
    const [error, uniform] = [relative(answers, outputs), relative(means, outputs)]
    const [low, high] = found.errorInterval
    expect(error).toBeGreaterThanOrEqual(low * 0.999 - 2e-5)
    expect(error).toBeLessThanOrEqual(high * 1.001 + 2e-5)
    const isSure = Math.abs(error - 1e-3) > 1e-4 && Math.abs(error - Math.min(1, uniform)) > 0.05 * error
    const isGood = error < 1e-3 || error < Math.min(1, uniform)
    if (isSure && (one.n <= 1024 || found.code === 0)) expect(found.code).toBe(isGood ? 0 : 3)
  }
  if (isPrinted(i))
    expect((await run(attendCommand, i, '--out', out, '--check')).text).not.toMatch(/NaN|Infinity|undefined/)
})

test.each(heads)('inspect: $name', async ({ one, i }) => {
  const found = await json<Findings>(inspectCommand, i, [], ['degree', 'features'])
  const { scores, centred } = causal(one)
  const reach = Math.max(-centred[0], centred[1])
  if (one.n <= 512)
    for (const end of [0, 1])
      expect(close(found.scores[end], scores[end], 1e-5 * (1 + found.queryNorm.largest * found.keyNorm.largest))).toBe(
        true,
      )
  // "every pair" is said only where it is so, of all rows.
  const [polynomial] = found.verdicts
  if (/of every pair; smaller/.test(polynomial))
    expect(taylorRadius(found.degree!, 0.1)).toBeGreaterThanOrEqual(reach * (1 - 1e-5))
  else expect(polynomial).toMatch(/pair looked at|no guarantee in less memory/)
  expect(found.unseenRadius).toBeGreaterThanOrEqual(0)
  if (isPrinted(i)) expect((await run(inspectCommand, i)).text).not.toMatch(/NaN|Infinity|undefined/)
})

test.each(heads)('recover: $name', async ({ one, i }) => {
  interface Recovered {
    readonly energyFound: number
    readonly columns: readonly {
      readonly column: number
      readonly rows: readonly { readonly row: number; readonly value: number }[]
    }[]
  }
  const found = await json<Recovered>(recoverCommand, i, ['--rows', '2'])
  const { outputs, means } = truthOf(one, false)
  const { dv } = one
  let [inRows, energy] = [0, 0]
  for (let c = 0; c < dv; c++) for (let r = c; r < outputs.length; r += dv) energy += (outputs[r] - means[r]) ** 2
  for (const { column, rows } of found.columns)
    for (const { row, value } of rows) {
      const place = row * dv + column
      if (one.certain)
        expect(close(value, outputs[place], 2e-5 * Math.max(...Array.from(one.values, Math.abs)))).toBe(true)
      inRows += (outputs[place] - means[place]) ** 2
    }
  expect(found.energyFound).toBeGreaterThanOrEqual(0)
  expect(found.energyFound).toBeLessThanOrEqual(1)
  expect(found.code).toBe(found.energyFound < 0.5 ? 3 : 0)
  // Where what varies is above rounding, the share of it is what all rows say.
  const scale = outputs.reduce((sum, x) => sum + x * x, 0)
  if (one.certain && energy > 1e-8 * scale && one.n <= 512)
    expect(close(found.energyFound, inRows / energy, 0.02)).toBe(true)
  if (isPrinted(i)) expect((await run(recoverCommand, i, '--rows', '2')).text).not.toMatch(/NaN|Infinity|undefined/)
})

// It tries the whole catalogue on the rows: seconds each from a hundred rows on.
const planned = heads.filter(({ one, i }) => i % 8 < 2 || i % 16 === 2 || (i % 8 === 3 && LONGER.has(one.kind)))
const budget = ({ n }: AnyFile) => ['--budget', n < 64 ? '1500' : '1/2']

test.each(planned)('plan: $name', async ({ one, i }) => {
  const may = ['epsilon', 'budgetBytes', 'error', 'bytes', 'float32', 'float16', 'droppedAt']
  const made = await json<Plan>(planCommand, i, [...budget(one)], may)
  expect(made.code).toBe(made.verdict === 'ok' ? 0 : 3)
  expect(made.error.total).toBeGreaterThanOrEqual(0)
  // What it recommends is run on all rows: its error is what was said.
  if (made.verdict === 'ok' && one.certain) {
    const { n, d, dv, queries, keys, values } = one
    const stream = createStream(made)
    const answers = normalise(
      stream.step({ keys: matrix(n, d, keys), values: matrix(n, dv, values) }, matrix(n, d, queries) as Matrix),
    )
    const error = relative(answers.data, causal(one).outputs)
    expect(stream.bytes).toBeLessThanOrEqual(made.cost.bytes)
    if (made.evidence === 'measured') expect(error).toBeLessThanOrEqual(1.5 * made.error.total + 1e-5)
  }
  if (i % 16 === 2) expect((await run(planCommand, i, ...budget(one))).text).not.toMatch(/NaN|Infinity|undefined/)
})

test.each(heads.filter(({ one }) => one.n > 1))('compare: $name', async ({ one, i }) => {
  const flags = ['--streams', 'exact,window,mean,closure,taylor,quantised,auto', '--budgets', '1,1/4']
  const board = await json<Board>(compareCommand, i, flags)
  expect([0, 3]).toContain(board.code)
  const { outputs } = causal(one)
  for (const { budgets } of board.heads)
    for (const { cells } of budgets)
      for (const { stream, outcome, errors, why } of cells) {
        expect([stream, outcome, why]).not.toEqual([stream, 'failed', why])
        expect(outcome).not.toBe('over')
        if (outcome !== 'within') continue
        expect(errors!.relative).toBeGreaterThanOrEqual(0)
        if (stream === 'exact' && one.certain) expect(errors!.relative).toBeLessThan(1e-4)
      }
  // Uniform attention's error, over the rows that were asked.
  const asked = board.queries * one.dv
  const { means } = causal(one)
  const uniform = relative(means.slice(-asked), outputs.slice(-asked))
  if (one.certain) expect(close(board.heads[0].uniform.relative, uniform, 1e-3 + 1e-2 * uniform)).toBe(true)
  if (isPrinted(i)) expect((await run(compareCommand, i, ...flags)).text).not.toMatch(/NaN|Infinity|undefined/)
})
