// `sublinear compare` as a user runs it: figures against a float64 softmax, heads of arrays, a stream from a file, the page of charts.
// Kills: a head read from another place of the array, keys of grouped heads not shared, a share of all tokens instead of the prefix, a
// stream of one's own left out or taken for pushing only, a cheat with exit code 0, words from outside unescaped in the page, a page that
// loads anything, a page left half written, a table wider than the terminal.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Board } from '@sublinear/board'
import { encodeNpy } from '@sublinear/io'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boardText } from '../src/board-text'
import { spreadLabels } from '../src/line-labels'
import { ownMethod } from '../src/own-method'
import { reportPage } from '../src/report-page'
import { callSublinear } from './call-sublinear'
import { runSublinear } from './run-sublinear'

let folder: string
const at = (name: string) => join(folder, name)

const compare = (args: readonly string[], interrupt?: number) =>
  interrupt === undefined
    ? callSublinear(['compare', ...args], folder)
    : runSublinear(['compare', ...args], { cwd: folder, interrupt })

/** Numbers in [−1, 1] from a fixed linear congruence. */
function numbers(count: number, seed: number): Float32Array {
  let x = seed >>> 0
  return Float32Array.from({ length: count }, () => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1)
}

const [n, prefix, d] = [256, 200, 4]
const queries = numbers(2 * 2 * n * d, 1) // layers 2, heads 2
const keys = numbers(2 * n * d, 2) // layers 2, one head
const values = numbers(2 * n * d, 3)
const files = () => [at('q.npy'), at('k.npy'), at('v.npy')]
/** Answers the newest value alone, and holds what `bytes` says. */
const newest = (bytes: string) => `let tokens = 0
export default (shape, budget) => {
  let last
  return {
    get bytes() { return ${bytes} },
    push({ values }) { tokens += values.rows; last = values.data.slice(-shape.dv) },
    attend(queries) {
      const data = new Float32Array(queries.rows * shape.dv)
      for (let r = 0; r < queries.rows; r++) data.set(last, r * shape.dv)
      return { max: new Float32Array(queries.rows), mass: new Float64Array(queries.rows).fill(1), sum: { rows: queries.rows, cols: shape.dv, data } }
    },
  }
}
`

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sublinear-compare-'))
  writeFileSync(at('q.npy'), encodeNpy({ shape: [2, 2, n, d], data: queries }))
  writeFileSync(at('k.npy'), encodeNpy({ shape: [2, 1, n, d], data: keys }))
  writeFileSync(at('v.npy'), encodeNpy({ shape: [2, 1, n, d], data: values }))
  writeFileSync(at('newest.mjs'), newest('16'))
  writeFileSync(at('window.mjs'), newest('16'))
  writeFileSync(at('greedy.mjs'), newest('tokens > 100 ? budget + 1 : 16'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** ‖newest − exact‖_F/‖exact‖_F of a head, in float64. */
function newestError(layer: number, head: number): number {
  const [q, kv] = [(2 * layer + head) * n * d, layer * n * d]
  let [distance, norm] = [0, 0]
  for (let i = prefix; i < n; i++) {
    const weights = Array.from({ length: i + 1 }, (_, j) => {
      let s = 0
      for (let c = 0; c < d; c++) s += queries[q + i * d + c] * keys[kv + j * d + c]
      return Math.exp(s / Math.sqrt(d))
    })
    const mass = weights.reduce((a, b) => a + b, 0)
    for (let c = 0; c < d; c++) {
      const exact = weights.reduce((sum, w, j) => sum + (w / mass) * values[kv + j * d + c], 0)
      distance += (values[kv + i * d + c] - exact) ** 2
      norm += exact ** 2
    }
  }
  return Math.sqrt(distance / norm)
}

const sizes = () => ['--prefix', `${prefix}`, '--budgets', '1/2,900']

/** Figures of a board of one head and stream. */
const figures = (text: string) =>
  (JSON.parse(text) as Board).heads[0].budgets.map(({ sample, cells }) => [sample, cells[0].errors])

describe('compare', () => {
  test('every head of the arrays, a stream from a file among them, equals the float64 oracle', async () => {
    const { code, stdout, stderr } = await compare([
      ...files(),
      ...sizes(),
      '--streams',
      'window,farKeys',
      '--stream',
      at('newest.mjs'),
      '--json',
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const board = JSON.parse(stdout) as Board
    expect(board).toMatchObject({ version: 1, prefix, queries: n - prefix, streams: ['window', 'farKeys', 'newest'] })
    expect(board.reproduce).toBe(
      `sublinear compare ${files().join(' ')} --prefix 200 --budgets 1/2,900 --streams window,farKeys --stream ${at('newest.mjs')} --json`,
    )
    expect(board.heads.map(({ name }) => name)).toEqual(['0.0', '0.1', '1.0', '1.1'])
    for (const [h, { budgets }] of board.heads.entries()) {
      expect(budgets.map(({ name, bytes }) => [name, bytes])).toEqual([
        ['1/2', (4 * prefix * 2 * d) / 2],
        ['900', 900],
      ])
      const own = budgets[0].cells[2]
      expect(own).toMatchObject({ stream: 'newest', outcome: 'within', bytes: 16 })
      expect(own.errors!.relative / newestError(h >> 1, h & 1)).toBeCloseTo(1, 4)
      expect(own.time!.push).toBeGreaterThanOrEqual(0)
    }
  })

  test('chosen heads, one matrix by its path, and a table without control characters', async () => {
    const some = await compare([...files(), ...sizes(), '--streams', 'window', '--heads', '1.1,0.0', '--json'])
    expect((JSON.parse(some.stdout) as Board).heads.map(({ name }) => name)).toEqual(['1.1', '0.0'])
    const one = await compare([
      `${at('q.npy')}[1,1]`,
      `${at('k.npy')}[1,0]`,
      `${at('v.npy')}[1,0]`,
      ...sizes(),
      '--streams',
      'window',
      '--json',
    ])
    expect(figures(one.stdout)).toEqual(figures(some.stdout))
    const { stdout, stderr, code } = await compare([...files(), ...sizes(), '--streams', 'window,exact'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const word of [
      '1/2',
      '900',
      'window',
      'uniform sample',
      'mean of V',
      'zero',
      'best at 1/2: window on 4 of 4 heads',
    ])
      expect(stdout).toContain(word)
    expect(stdout).not.toContain('\u001b')
  })

  test('a stream that breaks its budget: exit code 3, said, and not called best', async () => {
    const { code, stdout } = await compare([
      ...files(),
      ...sizes(),
      '--streams',
      'farKeys',
      '--stream',
      at('greedy.mjs'),
    ])
    expect(code).toBe(3)
    expect(stdout).toContain('greedy, head 0.0, budget 900: over: it held 901 bytes in a budget of 900')
    expect(stdout).not.toMatch(/best.*greedy/)
  })

  test.each([
    ['an unknown stream', ['--streams', 'windw'], 1, 'windw is not one of exact, quantised'],
    ['its nearest', ['--stream', 'farkey'], 1, 'did you mean farKeys?'],
    ['a name twice', ['--stream', 'window', '--stream', './window.mjs'], 2, 'two streams are named window'],
    ['a share of nothing', ['--budgets', '1/0'], 1, 'must be a share such as 1/16'],
    ['a head that is not there', ['--heads', '2.0'], 2, 'there is no head 2.0'],
    ['more tokens than there are', ['--last', '400', '--prefix', '1'], 2, 'must have at least 401 tokens, got 256'],
    ['no such module', ['--stream', 'missing.mjs'], 2, '--stream missing.mjs: cannot be loaded'],
    [
      'a page in no folder',
      ['--report', 'nowhere/at/all.html'],
      2,
      '--report nowhere/at/all.html: its folder cannot be written to',
    ],
  ])('%s: a clear error on stderr, nothing on stdout', async (_, flags, code, message) => {
    const result = await compare([...files(), ...flags])
    expect(result).toMatchObject({ code, stdout: '' })
    expect(result.stderr).toContain(message)
    expect(result.stderr).not.toContain('    at ')
  })

  test('an interrupt leaves no page behind: exit code 130', async () => {
    for (const [i, name] of ['bq.npy', 'bk.npy', 'bv.npy'].entries())
      writeFileSync(at(name), encodeNpy({ rows: 30_000, cols: 32, data: numbers(30_000 * 32, i) }))
    const big = ['bq.npy', 'bk.npy', 'bv.npy'].map(at)
    const result = await compare([...big, '--streams', 'farKeys,farClosure', '--report', at('late.html')], 1500)
    expect(result).toMatchObject({ code: 130, stdout: '', stderr: expect.stringContaining('interrupted') })
    expect(readdirSync(folder).filter((name) => name.startsWith('late'))).toEqual([])
  })
})

describe("a stream of one's own", () => {
  test('needs a function or a method as default; says whether it learns; TypeScript where this Node strips types', async () => {
    writeFileSync(at('nothing.mjs'), 'export const learns = true')
    await expect(ownMethod(at('nothing.mjs'))).rejects.toThrow(
      'must export a method or a function as default, got undefined',
    )
    writeFileSync(at('pupil.mjs'), 'export const learns = true\nexport default () => undefined')
    expect(await ownMethod(at('pupil.mjs'))).toMatchObject({ name: 'pupil', learns: 'queries' })
    expect(await ownMethod(at('newest.mjs'))).toMatchObject({ name: 'newest', learns: 'nothing' })
    writeFileSync(at('odd.mjs'), "export const learns = 'much'\nexport default () => undefined")
    await expect(ownMethod(at('odd.mjs'))).rejects.toThrow("learns must be true, false, 'queries' or 'pilot', got much")
  })

  test('a .ts file runs, or the error names the Node it needs', async () => {
    writeFileSync(at('typed.ts'), newest('16 as number'))
    const { code, stdout, stderr } = await compare([
      ...files(),
      ...sizes(),
      '--streams',
      'window',
      '--stream',
      at('typed.ts'),
    ])
    if ((process.features as { typescript?: unknown }).typescript)
      expect({ code, has: stdout.includes('typed') }).toEqual({ code: 0, has: true })
    else
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringContaining('TypeScript needs Node 22.18 or newer'),
      })
  })
})

describe('the page', () => {
  test('stands alone: no address, no script, and words from outside escaped', async () => {
    const name = `<img src=x onerror="alert('1')">&`
    const { stdout } = await compare([
      ...files(),
      ...sizes(),
      '--streams',
      'window,farKeys,exact',
      '--report',
      at('page.html'),
      '--json',
    ])
    const page = readFileSync(at('page.html'), 'utf8')
    expect(existsSync(at('page.html'))).toBe(true)
    for (const text of [page, reportPage(hostile(JSON.parse(stdout) as Board, name))]) {
      expect(text).not.toMatch(/https?:|\/\/[a-z]|<script|<link|<iframe|url\(|@import|src=["h/]/i)
      expect(text).toContain("default-src 'none'")
      expect(text.match(/<svg/g)!.length).toBeGreaterThan(4)
      expect(text).toContain('viewport')
    }
    const hurt = reportPage(hostile(JSON.parse(stdout) as Board, name))
    expect(hurt).not.toContain('<img')
    expect(hurt).toContain('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;')
    expect(page).toContain('--streams window,farKeys,exact')
    // Names at the lines and below the charts, values on hover, data to copy, all of it printed.
    for (const name of ['window', 'farKeys']) expect(page).toMatch(new RegExp(`<text[^>]*>${name}</text>`))
    expect(page).toMatch(/<title>window: [\d.]+ in [\d.]+ k?B<\/title>/)
    expect(page).toMatch(/<title>farKeys: [\d.]+ k?B at \d+ tokens<\/title>/)
    expect(page).toContain('<dt>window</dt><dd>Keeps the newest tokens.</dd>')
    expect(page).toMatch(/^0\.1\t1\/2\twindow\twithin\t\d+\t[\d.]+$/m)
    expect(page).toMatch(/@media print[^]*details-content \{ display: block/)
  })

  test('a board where nothing fits, and one of constant values, still make a page and a table', async () => {
    writeFileSync(at('one.npy'), encodeNpy({ shape: [2, 1, n, d], data: new Float32Array(2 * n * d).fill(0.5) }))
    for (const args of [
      [...files(), '--streams', 'exact', '--budgets', '10'],
      [at('q.npy'), at('k.npy'), at('one.npy'), '--streams', 'window,closure', '--budgets', '1/2'],
    ]) {
      const { code, stdout, stderr } = await compare([...args, '--report', at('odd.html')])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain('best at')
      expect(readFileSync(at('odd.html'), 'utf8')).not.toMatch(/NaN|Infinity/)
    }
  })
})

/** The board with a name of the user's own making everywhere one can be. */
function hostile(board: Board, name: string): Board {
  return {
    ...board,
    reproduce: name,
    streams: board.streams.map(() => name),
    heads: board.heads.map((head) => ({
      ...head,
      name,
      budgets: head.budgets.map((budget) => ({
        ...budget,
        name,
        cells: budget.cells.map((cell) => ({ ...cell, stream: name, outcome: 'over' as const, why: name })),
      })),
    })),
  }
}

/** Labels at these heights of an axis from 0.01 to 1, a tenth of it apart. */
const spread = (ys: readonly number[]) =>
  spreadLabels(
    ys.map((y, i) => ({ text: `${i}`, x: 1, y })),
    [0.01, 1],
    0.1,
  )

test('labels at the ends of lines stand apart, in order, and where there is room as they are', () => {
  expect(spread([0.02, 0.5]).map(({ y }) => Number(y.toFixed(6)))).toEqual([0.02, 0.5])
  for (const ys of [[0.5, 0.5, 0.5], [1, 1, 0.99, 0.01], [0.011, 0.01, 0.012], [0.3]]) {
    const found = spread(ys)
    const places = found.map(({ y }) => Math.log10(y * 100) / 2)
    for (let i = 1; i < places.length; i++) expect(places[i] - places[i - 1]).toBeGreaterThan(0.0999)
    expect(Math.min(...places)).toBeGreaterThan(-0.001)
    expect(Math.max(...places)).toBeLessThan(1.001)
    expect(found.map(({ text }) => ys[Number(text)])).toEqual(ys.toSorted((a, b) => a - b))
  }
})

test('the table of a narrow terminal is cut into several, none wider', async () => {
  const { stdout } = await compare([
    ...files(),
    ...sizes(),
    '--streams',
    'window,farKeys',
    '--budgets',
    '1/2,1/3,1/4,1/5',
    '--json',
  ])
  const board = JSON.parse(stdout) as Board
  const lines = boardText(board, 40).split('\n')
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40)
  const wide = boardText(board, 200)
  for (const { budgets } of board.heads)
    for (const { name } of budgets) expect([lines.join(' ').includes(name), wide.includes(name)]).toEqual([true, true])
  expect(wide.split('\n').filter((line) => line.startsWith('stream '))).toHaveLength(1)
})

test('--error-bars prints how many entries 95 % bars cover: own bars, and measured ones of streams that have none about all tokens', async () => {
  const args = [...files(), '--budgets', '1/4', '--streams', 'exact,reservoir,window', '--error-bars']
  const { stdout, code } = await compare([...args, '--json'])
  expect(code).toBe(0)
  const cells = (JSON.parse(stdout) as Board).heads[0].budgets[0].cells
  expect(cells.map(({ stream, bars }) => [stream, bars !== undefined])).toEqual([
    ['exact', false], // it does not fit
    ['reservoir', true],
    ['window, measured', true],
  ])
  expect(cells[1].bars?.covered ?? 1).toBeGreaterThan(0.8)
  const text = (await compare(args)).stdout
  expect(text).toMatch(/covered by 95 % bars +1\/4/)
  expect(text).toMatch(/^reservoir +(0|1)\.\d{3} \(worst|^reservoir +\d+ % no bar/m)
  expect(text).toMatch(/^window, measured +/m)
  expect((await compare(args.slice(0, -1))).stdout).not.toContain('covered by')
})
