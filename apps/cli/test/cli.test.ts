// The built command, as a user runs it: answers against an independent float64 softmax, exit codes, pipes, interrupts.
// Kills: a causal mask off by one, heads read in the wrong order, a scale left out, output kept after a failure, errors on stdout,
// exit 0 for bad input, a progress bar in a pipe.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeNpy, encodeNpy, encodeTensors } from '@sublinear/io'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tableText } from '../src/report'
import { callSublinear } from './call-sublinear'
import { runSublinear } from './run-sublinear'

const data = fileURLToPath(new URL('../data/', import.meta.url))
let folder: string
const at = (name: string) => join(folder, name)

const sublinear = (args: readonly string[], interrupt?: () => boolean) =>
  interrupt ? runSublinear(args, { interrupt }) : callSublinear(args)

/** Numbers in [−1, 1] from a fixed linear congruence. */
function numbers(count: number, seed: number): Float32Array {
  let x = seed >>> 0
  return Float32Array.from({ length: count }, () => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1)
}

function save(name: string, rows: number, cols: number, seed: number): Float32Array {
  const values = numbers(rows * cols, seed)
  writeFileSync(at(name), encodeNpy({ rows, cols, data: values }))
  return values
}

/** Row i of softmax(scale·QKᵀ)V over the first `visible` keys, in float64. */
function oracle(
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  i: number,
  d: number,
  visible: number,
  scale: number,
) {
  const scores = Array.from({ length: visible }, (_, j) => {
    let s = 0
    for (let c = 0; c < d; c++) s += q[i * d + c] * k[j * d + c]
    return s * scale
  })
  const top = Math.max(...scores)
  const weights = scores.map((s) => Math.exp(s - top))
  const mass = weights.reduce((a, b) => a + b, 0)
  return Array.from({ length: d }, (_, c) => weights.reduce((sum, w, j) => sum + w * v[j * d + c], 0) / mass)
}

/** The head after one of zeros. */
function secondHead(own: Float32Array): Float32Array {
  const both = new Float32Array(2 * own.length)
  both.set(own, own.length)
  return both
}

const files = () => ['--queries', at('q.npy'), '--keys', at('k.npy'), '--values', at('v.npy')]
const [n, d] = [300, 8]
let q: Float32Array, k: Float32Array, v: Float32Array

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sublinear-cli-'))
  q = save('q.npy', n, d, 1)
  k = save('k.npy', n, d, 2)
  v = save('v.npy', n, d, 3)
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('attend', () => {
  test.each([
    ['causal', [], (i: number) => i + 1],
    ['full', ['--full'], () => n],
  ])('%s exact answers equal the float64 softmax', async (_, flags, visible) => {
    const out = at('exact.npy')
    const { code, stdout } = await sublinear(['attend', ...files(), '--out', out, '--stream', 'exact', ...flags])
    expect(code).toBe(0)
    expect(stdout).toContain('300 tokens')
    const { shape, data } = decodeNpy(readFileSync(out))
    const got = data as Float32Array
    expect(shape).toEqual([n, d])
    for (const i of [0, 1, 63, 64, 299]) {
      const want = oracle(q, k, v, i, d, visible(i), 1 / Math.sqrt(d))
      want.forEach((x, c) => expect(got[i * d + c]).toBeCloseTo(x, 5))
    }
  })

  test('features answer within a few per cent where scores are small, and --check says so', async () => {
    const { code, stdout } = await sublinear(['attend', ...files(), '--out', at('f.npy'), '--check', '--json'])
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ tokens: n, stream: 'taylor', degree: 2, zero: 1 })
    expect(report.error).toBeGreaterThan(0)
    expect(report.error).toBeLessThan(0.05)
    const got = decodeNpy(readFileSync(at('f.npy'))).data as Float32Array
    let [distance, norm] = [0, 0]
    for (let i = 0; i < n; i++) {
      oracle(q, k, v, i, d, i + 1, 1 / Math.sqrt(d)).forEach((x, c) => {
        distance += (got[i * d + c] - x) ** 2
        norm += x * x
      })
    }
    expect(report.error).toBeCloseTo(Math.sqrt(distance / norm), 5)
  })

  test.each([
    ['closure', [], 0.05, { budgetBytes: 256 * 64 }],
    ['window', ['--budget', '64/1'], 1e-6, { budgetBytes: 64 * n * 64 }],
    ['streamingLlm', ['--budget', '25600'], 1e-6, { budgetBytes: 25_600 }],
    [
      'farClosure',
      ['--hold', '200'],
      0.03,
      {
        // 6 and 4 bits; 0.02 was of 200 far keys in float32, more bytes
        budgetBytes: 200 * 64,
        hold: 200,
      },
    ],
    ['auto', ['--hold', '200'], 0.05, { budgetBytes: 200 * 64, hold: 200 }],
    ['quantised', ['--budget', '1/2'], 0.05, { budgetBytes: n * 32 }],
    ['taylor', ['--degree', '3'], 0.05, { degree: 3 }],
    ['taylor', ['--hold', '200'], 0.05, { budgetBytes: 200 * 64, hold: 200 }],
  ])('the %s stream answers with %j, and says what it held', async (stream, flags, most, details) => {
    const out = at('stream.npy')
    const { code, stdout } = await sublinear([
      'attend',
      ...files(),
      '--out',
      out,
      '--stream',
      stream,
      ...flags,
      '--check',
      '--json',
    ])
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    const { hold, budgetBytes, degree } = report
    expect(report).toMatchObject({ tokens: n, stream })
    expect({ hold, budgetBytes, degree }).toEqual({
      hold: undefined,
      budgetBytes: undefined,
      degree: undefined,
      ...details,
    })
    if (report.budgetBytes !== undefined) expect(report.bytes).toBeLessThanOrEqual(report.budgetBytes)
    expect(report.error).toBeLessThan(most)
  })

  // Kills: bars that are not asked for, of another shape, of the first head alone, a stream without bars that answers, flags that are lost.
  test('--error-bars writes a standard error for each answer; of a stream that has none it is measured, said, and counted in bytes', async () => {
    const [out, bars, judged] = ['bars-o.npy', 'bars-se.npy', 'bars-judged.npy'].map(at)
    const given = ['attend', ...files(), '--out', out]
    const asked = await sublinear([...given, '--stream', 'auto', '--budget', '8000', '--error-bars', bars, '--json'])
    expect(asked.code).toBe(0)
    const [answers, errors] = [out, bars].map((path) => decodeNpy(readFileSync(path)))
    expect(errors.shape).toEqual(answers.shape)
    const flagged = [...(errors.data as Float32Array)].filter((x) => x === -1).length / errors.shape[1]
    expect(JSON.parse(asked.stdout).rowsWithoutBars).toBe(flagged)
    expect([...(errors.data as Float32Array)].some((x) => x > 0)).toBe(true)
    const closure = [...given, '--stream', 'closure', '--budget', '16000']
    const measured = await sublinear([...closure, '--error-bars', judged])
    expect(measured.code).toBe(0)
    expect(measured.stdout).toContain('standard errors, measured by held-out tokens, in')
    expect(decodeNpy(readFileSync(judged)).shape).toEqual(answers.shape)
    const [alone, both] = [
      await sublinear([...closure, '--json']),
      await sublinear([...closure, '--error-bars', judged, '--json']),
    ]
    const [before, after] = [alone, both].map(({ stdout }) => JSON.parse(stdout) as { stream: string; bytes: number })
    expect([before.stream, after.stream]).toEqual(['closure', 'closure, measured'])
    expect(after.bytes).toBeGreaterThan(before.bytes)
    expect(after.bytes).toBeLessThanOrEqual(16_000)
    // The stack of a recipe keeps codes without a dither, which have no bars of their own.
    const stack = { window: 0, kept: [{ by: 'farKeys', share: 0.5, keyBits: 8, valueBits: 6 }], rest: 'closure' }
    writeFileSync(
      at('auto-recipe.json'),
      JSON.stringify({ method: 'auto', options: { budgetBytes: 9000, tokens: n, stack } }),
    )
    const recipe = await sublinear([...given, '--recipe', at('auto-recipe.json'), '--error-bars', judged])
    expect([recipe.code, recipe.stdout.includes('measured by held-out tokens')]).toEqual([0, true])
  })

  test('answers of a lower degree are counted, and said', async () => {
    writeFileSync(at('low.npy'), encodeNpy({ rows: n, cols: 1, data: new Float32Array(n).fill(-1) }))
    writeFileSync(at('high.npy'), encodeNpy({ rows: n, cols: 1, data: new Float32Array(n).fill(3) }))
    const args = ['attend', '--queries', at('high.npy'), '--keys', at('low.npy'), '--values', at('low.npy')]
    const options = ['--out', at('l.npy'), '--degree', '1', '--pilot', '0', '--scale', '1']
    const { stdout } = await sublinear([...args, ...options])
    // Scores −3 in degree 1: a mass of −2 a token, from the 65th on.
    expect(stdout).toContain(`${n - 64} of ${n} answers had a negative or vanishing mass`)
    expect(JSON.parse((await sublinear([...args, ...options, '--json'])).stdout).counters).toEqual({
      rows: n,
      fallbacks: n - 64,
      beyond: 0,
      left: 0,
    })
  })

  test('keys that drown the others in a feature stream are counted, and said', async () => {
    const keys = new Float32Array(n * d).map((_, i) => (i === d ? 1e6 : Math.sin(i)))
    writeFileSync(at('loud.npy'), encodeNpy({ rows: n, cols: d, data: keys }))
    const args = ['attend', '--queries', at('loud.npy'), '--keys', at('loud.npy'), '--values', at('loud.npy')]
    const { stdout } = await sublinear([...args, '--out', at('l.npy'), '--stream', 'taylor', '--pilot', '0'])
    expect(stdout).toContain('1 token(s) with a feature above 2^24')
  })

  test('two query heads on one key head: head by head what a single head answers', async () => {
    const wide = save('q2.npy', n, 2 * d, 4)
    const args = ['attend', '--queries', at('q2.npy'), ...files().slice(2), '--out', at('gqa.npy'), '--stream', 'exact']
    expect((await sublinear([...args, '--heads', '2', '--kv-heads', '1', '--check'])).code).toBe(0)
    const got = decodeNpy(readFileSync(at('gqa.npy'))).data as Float32Array
    for (const [i, h] of [
      [5, 0],
      [5, 1],
      [299, 1],
    ] as const) {
      const own = Float32Array.from(wide.subarray((2 * i + h) * d, (2 * i + h + 1) * d))
      const want = oracle(own, k, v, 0, d, i + 1, 1 / Math.sqrt(d))
      want.forEach((x, c) => expect(got[(2 * i + h) * d + c]).toBeCloseTo(x, 5))
    }
  })

  test.each([
    ['causal, two query heads on one key head', n, n, 2, []],
    ['full, over several blocks of keys', 1300, 40, 1, ['--full']],
  ] as const)('--check %s: error and uniform equal the float64 oracle', async (_, tokens, asked, heads, flags) => {
    const queries = save('cq.npy', asked, heads * d, 6)
    const keys = save('ck.npy', tokens, d, 7)
    const values = save('cv.npy', tokens, d, 8)
    const inputs = ['--queries', at('cq.npy'), '--keys', at('ck.npy'), '--values', at('cv.npy'), '--scale', '1.5']
    const args = ['attend', ...inputs, '--out', at('co.npy'), '--heads', `${heads}`, '--kv-heads', '1', ...flags]
    const report = JSON.parse((await sublinear([...args, '--degree', '1', '--check', '--json'])).stdout)
    const got = decodeNpy(readFileSync(at('co.npy'))).data as Float32Array
    let [distance, uniform, norm] = [0, 0, 0]
    for (let row = 0; row < asked * heads; row++) {
      const visible = flags.length > 0 ? tokens : Math.floor(row / heads) + 1
      oracle(queries, keys, values, row, d, visible, 1.5).forEach((x, c) => {
        let mean = 0
        for (let j = 0; j < visible; j++) mean += values[j * d + c] / visible
        distance += (got[row * d + c] - x) ** 2
        uniform += (mean - x) ** 2
        norm += x * x
      })
    }
    expect(report.error / Math.sqrt(distance / norm)).toBeCloseTo(1, 4)
    expect(report.uniform / Math.sqrt(uniform / norm)).toBeCloseTo(1, 4)
    expect(report.zero).toBe(1)
  })

  test('refuses to write over an input, also through a link', async () => {
    symlinkSync(at('k.npy'), at('link.npy'))
    for (const out of [at('k.npy'), at('link.npy')]) {
      const result = await sublinear(['attend', ...files(), '--out', out])
      expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('one of the inputs') })
    }
    expect(decodeNpy(readFileSync(at('k.npy'))).data).toEqual(k)
  })

  test('constant values are worth having, though averaging gets them too', async () => {
    writeFileSync(at('same.npy'), encodeNpy({ rows: n, cols: d, data: new Float32Array(n * d).fill(0.3) }))
    const result = await sublinear(['attend', ...files(), '--values', at('same.npy'), '--out', at('c.npy'), '--check'])
    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('as good as exact') })
  })

  test('a head of a 4-D array, and exit code 3 where averaging does as well', async () => {
    const heads = ['q', 'k', 'v'].map((part) => `${data}sharp-${part}.npy[0,1]`)
    const args = ['attend', '--queries', heads[0], '--keys', heads[1], '--values', heads[2], '--out', at('sharp.npy')]
    const weak = await sublinear([...args, '--degree', '0', '--check'])
    expect(weak.code).toBe(3)
    expect(weak.stdout).toContain('no better than averaging')
    expect((await sublinear([...args, '--check'])).code).toBe(0)
  })

  test('a head of a tensor in a safetensors file', async () => {
    const tensors = Object.fromEntries(
      [['q', q] as const, ['k.all', k] as const, ['v', v] as const].map(([name, data]) => [
        name,
        { dtype: 'F32' as const, shape: [1, 2, n, d], data: secondHead(data) },
      ]),
    )
    writeFileSync(at('all.safetensors'), encodeTensors(tensors))
    const [queries, keys, values] = ['q', 'k.all', 'v'].map((name) => `${at('all.safetensors')}:${name}[0,1]`)
    const args = ['attend', '--queries', queries, '--keys', keys, '--values', values, '--stream', 'exact']
    expect((await sublinear([...args, '--out', at('s.npy')])).code).toBe(0)
    await sublinear(['attend', ...files(), '--stream', 'exact', '--out', at('n.npy')])
    expect(readFileSync(at('s.npy'))).toEqual(readFileSync(at('n.npy')))
    const unnamed = await sublinear([...args, '--out', at('bad.npy'), '--keys', at('all.safetensors')])
    expect(unnamed).toMatchObject({ code: 2, stderr: expect.stringContaining('k.all') })
  })

  test.each([
    ['no file', ['--queries', 'missing.npy'], 2, 'missing.npy'],
    ['an unknown option', ['--nonsense'], 1, '--nonsense'],
    ['a degree that is no number', ['--degree', 'two'], 1, 'whole number'],
    ['a scale of zero', ['--scale', '0'], 1, 'number > 0'],
    ['an unknown stream', ['--stream', 'far+closure'], 1, 'did you mean farClosure?'],
    ['a degree of what has none', ['--stream', 'h2o', '--degree', '2'], 2, '--degree is for taylor, not for h2o'],
    ['two sizes', ['--degree', '2', '--hold', '9'], 2, 'give one of them'],
    ['a budget of nothing', ['--budget', '0/4'], 1, 'must be a share such as 1/16'],
    ['a budget too small', ['--stream', 'closure', '--hold', '2'], 2, 'closure: none fits 128 B a head for 300 tokens'],
    [
      'a method without its pilot',
      ['--stream', 'anisotropic', '--pilot', '0'],
      2,
      'none fits any budget for 300 tokens and --pilot rows',
    ],
    ['heads that do not divide', ['--heads', '3'], 2, '3 heads'],
  ])('%s: a clear error on stderr, nothing written', async (_, flags, code, message) => {
    const result = await sublinear(['attend', ...files(), '--out', at('bad.npy'), ...flags])
    expect(result).toMatchObject({ code, stdout: '' })
    expect(result.stderr).toContain(message)
    expect(result.stderr).not.toContain('    at ') // no stack
    expect(existsSync(at('bad.npy'))).toBe(false)
  })

  test('keys and values of different lengths, and a NaN with its row and column', async () => {
    save('short.npy', n - 1, d, 5)
    const uneven = await sublinear(['attend', ...files(), '--values', at('short.npy'), '--out', at('bad.npy')])
    expect(uneven).toMatchObject({ code: 2, stderr: expect.stringContaining('300') })
    const holed = numbers(n * d, 2)
    holed[70 * d + 3] = NaN
    writeFileSync(at('nan.npy'), encodeNpy({ rows: n, cols: d, data: holed }))
    for (const pilot of [[], ['--pilot', '0']]) {
      const nan = await sublinear(['attend', ...files(), '--keys', at('nan.npy'), '--out', at('bad.npy'), ...pilot])
      expect(nan.code).toBe(2)
      expect(nan.stderr).toMatch(/row 70\b.*column 3\b/)
    }
    expect(readdirSync(folder).filter((name) => name.startsWith('bad'))).toEqual([])
  })

  test('an interrupt leaves nothing behind: exit code 130', async () => {
    const big = 60_000
    for (const [i, name] of ['bq.npy', 'bk.npy', 'bv.npy'].entries()) save(name, big, 32, i)
    const args = ['attend', '--queries', at('bq.npy'), '--keys', at('bk.npy'), '--values', at('bv.npy')]
    const begun = () => readdirSync(folder).some((name) => name.startsWith('late'))
    const result = await sublinear([...args, '--stream', 'exact', '--out', at('late.npy')], begun)
    expect(result.code).toBe(130)
    expect(result.stderr).toContain('interrupted')
    expect(readdirSync(folder).filter((name) => name.startsWith('late'))).toEqual([])
  })
})

test('inspect refuses scores beyond float32, with row and column', async () => {
  const huge = numbers(n * d, 1)
  huge[10 * d + 2] = 1e30
  writeFileSync(at('huge.npy'), encodeNpy({ rows: n, cols: d, data: huge }))
  const result = await sublinear(['inspect', ...files(), '--keys', at('huge.npy')])
  expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('row 10, column 2') })
})

test('a narrow table has its last column below, header included', () => {
  const columns = [{ head: 'head' }, { head: 'error', align: 'right' as const }, { head: 'verdict' }]
  const rows = [['sharp 0.0', '0.5', 'no better than averaging all values: do not use here']]
  expect(tableText(columns, rows, 100).split('\n')).toEqual([
    'head       error  verdict',
    'sharp 0.0    0.5  no better than averaging all values: do not use here',
  ])
  expect(tableText(columns, rows, 40).split('\n')).toEqual([
    'head       error',
    '    verdict',
    'sharp 0.0    0.5',
    '    no better than averaging all values:',
    '    do not use here',
  ])
})

test('quiet prints nothing', async () => {
  const result = await sublinear(['attend', ...files(), '--out', at('quiet.npy'), '--quiet'])
  expect(result).toEqual({ code: 0, stdout: '', stderr: '' })
})

test('inspect agrees with the published figures of a captured head', async () => {
  const [queries, keys, values] = ['q', 'k', 'v'].map((part) => `${data}sharp-${part}.npy[0,1]`)
  const { code, stdout } = await sublinear([
    'inspect',
    '--queries',
    queries,
    '--keys',
    keys,
    '--values',
    values,
    '--json',
  ])
  expect(code).toBe(0)
  const found = JSON.parse(stdout)
  // Figures of the data's own README, over all rows from 1024 on; here a sample of 512 of them.
  expect(found.queryNorm.largest).toBeCloseTo(11.3, 1)
  expect(found.keyNorm.largest).toBeCloseTo(13.0, 1)
  expect(found.centredKeyNorm.largest).toBeCloseTo(12.1, 1)
  expect(found.effectiveKeys).toBeGreaterThan(179 * 0.85)
  expect(found.effectiveKeys).toBeLessThan(179 * 1.15)
  expect(Math.abs(found.columnTails['1/16'] - 0.73)).toBeLessThan(0.06)
  expect(found.verdicts).toHaveLength(4)
  expect(found.regime).toBe('diffuse with far keys')
  expect(found.predicted.heads).toBeGreaterThan(0)
})

const headFiles = (head: string) =>
  ['queries', 'keys', 'values'].flatMap((name) => [`--${name}`, `${data}bounded-${name[0]}.npy[${head}]`])

describe('plan', () => {
  test('prints a table, and as JSON what createStream builds', async () => {
    const table = await sublinear(['plan', ...headFiles('0,0'), '--epsilon', '0.4'])
    expect(table.stderr).toBe('')
    expect(table.stdout).toMatch(/^plan +4096 tokens, epsilon 0.4, task causal\n/)
    for (const word of ['holds', 'a cache holds', 'pays from', 'error', 'verdict', 'tried'])
      expect(table.stdout).toContain(word)
    const { code, stdout } = await sublinear(['plan', ...headFiles('0,0'), '--epsilon', '0.4', '--json'])
    const made = JSON.parse(stdout)
    expect(code).toBe(made.verdict === 'ok' ? 0 : 3)
    expect(made.cost.cache.float32).toBe(4 * 4096 * 64)
    expect(made.considered.length).toBeGreaterThan(1)
    expect(table.code).toBe(code)
  })

  test('judges by questions that come after tokens with queries', async () => {
    const { stdout } = await sublinear(['plan', ...headFiles('0,0'), '--epsilon', '0.4', '--task', 'later'])
    expect(stdout).toMatch(/^plan +4096 tokens, epsilon 0.4, task later\n/)
    const apart = await sublinear(['plan', ...headFiles('0,0'), '--epsilon', '0.4', '--task', 'later', '--apart'])
    expect([apart.code, apart.stdout]).toEqual([2, ''])
    expect(apart.stderr).toContain("task must be 'rows' or 'columns' where keys and values come apart")
  })

  test('exits with 3 where something exact is cheaper', async () => {
    const { code, stdout } = await sublinear([
      'plan',
      '--radius',
      '1',
      '--d',
      '32',
      '--tokens',
      '500',
      '--epsilon',
      '0.1',
    ])
    expect(code).toBe(3)
    expect(stdout).toContain('dominated, by bytes')
    const long = await sublinear(['plan', '--radius', '1', '--d', '8', '--tokens', '1000000', '--epsilon', '0.1'])
    expect([long.code, long.stderr]).toEqual([0, ''])
  })

  test('plans a sketch where keys and values come apart', async () => {
    const { stdout } = await sublinear(['plan', ...headFiles('0,0'), '--epsilon', '0.5', '--apart', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ method: 'onePass', options: { psi: { kind: 'osnap' } } })
  })

  test('refuses what does not fit', async () => {
    for (const [args, code, words] of [
      [['--radius', '1'], 2, 'plan needs queries, keys and values'],
      [['--queries', 'q.npy'], 1, 'the keys and the values must be given'],
      [[...headFiles('0,0'), '--radius', '1'], 2, 'not both'],
      [[...headFiles('0,0'), '--d', '5'], 2, '--d is 5, the files have 32'],
      [[...headFiles('0,0'), '--task', 'columns'], 2, 'k must be given'],
      [['--epsilon', '2'], 1, 'below 1'],
    ] as const) {
      const result = await sublinear(['plan', ...args])
      expect([result.code, result.stdout]).toEqual([code, ''])
      expect(result.stderr).toContain(words)
    }
  })
})

test('the demo prints the board of both models as docs/demo.md has it, and no progress bar in a pipe', async () => {
  const { code, stdout, stderr } = await sublinear(['demo'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).not.toContain('\u001b')
  expect(stdout.split('\n').filter((line) => line.startsWith('streamingLlm '))).toHaveLength(2)

  // tools/scripts/readme-demo.mjs writes them; the times are left out.
  const page = readFileSync(new URL('../../../docs/demo.md', import.meta.url), 'utf8')
  const shown = /<!-- demo -->\n```\n([^]*?)\n```/.exec(page)![1].split('\n')
  expect(shown.length).toBeGreaterThan(26)
  const printed = stdout.split('\n')
  for (const line of shown) expect(printed.some((own) => own.startsWith(line))).toBe(true)
})

test('help, the version, and calls without a command', async () => {
  expect(await sublinear(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('attend') })
  expect(await sublinear(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n' })
  expect((await sublinear([])).code).toBe(1)
  expect((await sublinear(['nonsense'])).code).toBe(1)
})
