// The command line as people expect it. Kills: a command that takes files only one way, an option of a command without help, a method without its
// sentence, JSON among the defaults, 1.9e+2, an internal name before a file error, a bar wider than the terminal, a head read from another place
// or written to another, a recipe of another head taken, a generated stream that lint refuses or that answers something else than window.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { catalogue } from '@sublinear/attention'
import type { Board } from '@sublinear/board'
import { decodeNpy, encodeNpy } from '@sublinear/io'
import { random } from '@sublinear/laws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { streamModule } from '../src/new-stream-command'
import { barText } from '../src/progress'
import { figureText } from '../src/report'
import { SENTENCES } from '../src/method-sentences'
import { callSublinear } from './call-sublinear'

const repository = fileURLToPath(new URL('../../..', import.meta.url))
let folder: string
const at = (name: string) => join(folder, name)

const sublinear = (...args: readonly string[]) => callSublinear(args, folder)

const [n, d] = [120, 4]
const three = ['q.npy', 'k.npy', 'v.npy'] as const
const named = ['--queries', 'q.npy', '--keys', 'k.npy', '--values', 'v.npy'] as const

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sublinear-conventions-'))
  for (const [i, name] of ['q', 'k', 'v'].entries()) {
    writeFileSync(at(`${name}.npy`), encodeNpy(random(n, d, i)))
    const heads = name === 'q' ? 4 : 2
    const { data } = random(2 * heads * n, d, 10 + i)
    writeFileSync(at(`${name}4.npy`), encodeNpy({ shape: [2, heads, n, d], data }))
  }
  writeFileSync(at('flat.npy'), encodeNpy({ shape: [n], data: random(n, 1, 5).data }))
  writeFileSync(at('one.npy'), encodeNpy(random(1, d, 1)))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('files', () => {
  test.each([
    ['compare', '--streams', 'window', '--budgets', '1/2', '--json'],
    ['inspect', '--json'],
    ['recover', '--rows', '2', '--json'],
    ['attend', '--out', 'o.npy', '--json'],
    ['plan', '--epsilon', '0.5', '--json'],
  ])('%s takes them in their order and by name, also mixed', async (command, ...flags) => {
    const mixed = ['q.npy', 'v.npy', '--keys', 'k.npy']
    const runs = await Promise.all([three, named, mixed].map((files) => sublinear(command, ...files, ...flags)))
    const still = runs.map(({ stdout }) =>
      stdout.replaceAll(/"(tokensPerSecond|time|push|query|reproduce)":[^,}]*/g, ''),
    )
    expect(runs.map(({ stderr }) => stderr)).toEqual(['', '', ''])
    expect(still[0].length).toBeGreaterThan(100)
    expect(new Set(still).size).toBe(1)
    const lacking = await sublinear(command, 'q.npy', '--keys', 'k.npy', ...flags)
    expect(lacking).toMatchObject({ code: 1, stdout: '' })
    expect(lacking.stderr).toContain('the values must be given: three files in this order, or --values <file>')
    expect(lacking.stderr).toContain(`usage: sublinear ${command} [options]`)
  })

  test('errors begin with what they mean, and 1-D arrays are said to be such', async () => {
    writeFileSync(at('text.npy'), 'hello')
    for (const command of [['inspect'], ['compare', '--streams', 'window'], ['attend', '--out', 'o.npy']])
      expect((await sublinear(...command, 'text.npy', 'k.npy', 'v.npy')).stderr).toBe(
        'sublinear: text.npy is not a .npy file (npy: magic at byte 0: expected byte 147, found "h")\n',
      )
    const flat = await sublinear('attend', 'flat.npy', 'k.npy', 'v.npy', '--out', 'o.npy')
    expect(flat.stderr).toBe(
      `sublinear: queries have 1 column (a 1-D array: its ${n} numbers are rows of one column) for 1 head, keys have 4 columns for 1 head: the widths differ\n`,
    )
    const one = await sublinear('compare', 'one.npy', 'one.npy', 'one.npy')
    expect(one).toMatchObject({ code: 2, stderr: expect.stringContaining('compare needs at least 2 tokens') })
  })

  test('one matrix is named by its file, and no head', async () => {
    const { stdout } = await sublinear('compare', ...three, '--streams', 'window', '--budgets', '1/2')
    expect(stdout).toContain('(Frobenius norm), q.npy. ')
    expect(stdout).not.toMatch(/head head|head q\.npy/)
  })
})

describe('attend', () => {
  test('answers all heads of an array as one by one, in an array of the same shape', async () => {
    const all = await sublinear(
      'attend',
      'q4.npy',
      'k4.npy',
      'v4.npy',
      '--out',
      'all.npy',
      '--stream',
      'window',
      '--hold',
      '90',
      '--check',
    )
    expect(all.stderr).toBe('')
    expect(all.stdout).toMatch(/^8 heads of 120 tokens/)
    const { shape, data } = decodeNpy(readFileSync(at('all.npy')))
    expect(shape).toEqual([2, 4, n, d])
    for (const [layer, head] of [
      [0, 1],
      [1, 0],
      [1, 3],
    ]) {
      const kv = `[${layer},${head >> 1}]`
      const files = [`q4.npy[${layer},${head}]`, `k4.npy${kv}`, `v4.npy${kv}`]
      const single = await sublinear(
        'attend',
        ...files,
        '--out',
        'one-head.npy',
        '--stream',
        'window',
        '--hold',
        '90',
        '--check',
      )
      const start = (4 * layer + head) * n * d
      expect(data.slice(start, start + n * d)).toEqual(decodeNpy(readFileSync(at('one-head.npy'))).data)
      const error = /relative error \S+ over all 120 rows/.exec(single.stdout)![0]
      expect(all.stdout).toContain(`head ${layer}.${head}: ${error}`)
    }
    const json = JSON.parse(
      (await sublinear('attend', 'q4.npy', 'k4.npy', 'v4.npy', '--out', 'all.npy', '--json')).stdout,
    )
    expect(json.heads.map(({ head }: { head: string }) => head)).toEqual([
      '0.0',
      '0.1',
      '0.2',
      '0.3',
      '1.0',
      '1.1',
      '1.2',
      '1.3',
    ])
  })

  test('takes a recipe of plan, and refuses what is none', async () => {
    const { stdout } = await sublinear('plan', ...three, '--budget', '4000', '--json')
    writeFileSync(at('plan.json'), stdout)
    const { method, cost } = JSON.parse(stdout)
    const made = JSON.parse(
      (await sublinear('attend', ...three, '--out', 'o.npy', '--recipe', 'plan.json', '--json')).stdout,
    )
    expect(made.stream).toBe(method)
    expect(made.bytes).toBeLessThanOrEqual(cost.bytes)
    for (const [recipe, words] of [
      ['{', 'is no JSON'],
      ['{"method":"magic","options":{}}', 'no method is called "magic"'],
      ['{"method":"window"}', 'is not a recipe'],
      [JSON.stringify({ ...JSON.parse(stdout), d: 7 }), 'is for d = 7, the files have 4'],
    ]) {
      writeFileSync(at('bad.json'), recipe)
      const { code, stderr } = await sublinear('attend', ...three, '--out', 'o.npy', '--recipe', 'bad.json')
      expect([code, stderr]).toEqual([
        2,
        `sublinear: --recipe bad.json: ${words}${words === 'is not a recipe' ? ': it needs a method and options, as plan --json prints them' : ''}\n`,
      ])
    }
    const both = await sublinear('attend', ...three, '--out', 'o.npy', '--recipe', 'plan.json', '--hold', '9')
    expect(both).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--recipe plan.json says what the stream is'),
    })
    const over = await sublinear('attend', ...three, '--out', 'plan.json', '--recipe', 'plan.json')
    expect(over).toMatchObject({ code: 2, stderr: expect.stringContaining('is one of the inputs') })
  })

  test('exact is not told that the exact cache would hold less', async () => {
    const { stdout } = await sublinear('attend', ...three, '--out', 'o.npy', '--stream', 'exact')
    expect(stdout).toMatch(/^held \S+ kB: the exact cache itself$/m)
  })
})

describe('help', () => {
  test('has examples and the streams, and no JSON among its defaults', async () => {
    const commands = [
      'attend',
      'compare',
      'plan',
      'inspect',
      'recover',
      'read',
      'needle',
      'perplexity',
      'demo',
      'new-stream',
      'new-sketch',
    ]
    const overview = (await sublinear('--help')).stdout
    for (const command of commands) {
      const { code, stdout } = await sublinear(command, '--help')
      expect(code).toBe(0)
      expect(overview).toContain(`  ${command} `)
      expect(stdout).toMatch(new RegExp(`\nExamples:\n  (echo .*)?sublinear ${command}( .*)?\n`))
      expect(stdout).not.toMatch(/\(default: [[{]/)
      if (/--streams? </.test(stdout))
        for (const { name } of catalogue) expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, 'm'))
    }
  })

  test('every method of the catalogue has one sentence', () => {
    expect(Object.keys(SENTENCES)).toEqual(catalogue.map(({ name }) => name))
    for (const sentence of Object.values(SENTENCES)) expect(sentence).toMatch(/^[A-Z][^.]*\.$/)
  })
})

describe('new-stream', () => {
  test('writes a stream that runs at once, answers what window answers, and stands in needle', async () => {
    const made = await sublinear('new-stream', 'mine.mjs')
    expect(made).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('--stream ./mine.mjs') })
    const compared = await sublinear(
      'compare',
      ...three,
      '--streams',
      'window',
      '--stream',
      './mine.mjs',
      '--budgets',
      '1/2',
      '--json',
    )
    const [window, mine] = (JSON.parse(compared.stdout) as Board).heads[0].budgets[0].cells
    expect(mine).toMatchObject({ stream: 'mine', outcome: 'within' })
    expect(mine.errors!.relative).toBeLessThan(1.5 * window.errors!.relative)
    await sublinear('attend', ...three, '--out', 'w.npy', '--stream', './mine.mjs', '--hold', `${n}`)
    await sublinear('attend', ...three, '--out', 'e.npy', '--stream', 'exact')
    const [own, exact] = ['w.npy', 'e.npy'].map((name) => decodeNpy(readFileSync(at(name))).data as Float32Array)
    own.forEach((x, i) => expect(x).toBeCloseTo(exact[i], 5))
    expect(await sublinear('new-stream', 'mine.mjs')).toMatchObject({
      code: 2,
      stderr: 'sublinear: new-stream: mine.mjs: is there already\n',
    })
    expect((await sublinear('new-stream', 'window.mjs')).stderr).toContain('take another name')
    expect((await sublinear('new-stream', 'mine.txt')).stderr).toContain('must end in .mjs')
    const sizes = ['--models', 'sharp', '--lengths', '200', '--contexts', '1', '--depths', '0.5', '--distractors', '0']
    const needle = await sublinear(
      'needle',
      ...sizes,
      '--stream',
      './mine.mjs',
      '--streams',
      'exact',
      '--budgets',
      '1/2',
      '--json',
    )
    expect(JSON.parse(needle.stdout).cells[1]).toMatchObject({ method: 'mine', outcome: 'within' })
    expect((await sublinear('new-sketch', 'my-sketch')).stderr).toContain('adds a package to a clone')
  }, 30_000)

  test('which the house lints, and TypeScript checks', () => {
    for (const name of ['own.mjs', 'own.ts']) {
      writeFileSync(at(name), streamModule(name))
      execFileSync(tool('oxlint'), ['--deny-warnings', '-c', join(repository, '.oxlintrc.json'), at(name)], {
        cwd: repository,
        stdio: 'pipe',
      })
    }
    const core = join(repository, 'packages/core/src/index.ts')
    const config = {
      extends: join(repository, 'tsconfig.base.json'),
      compilerOptions: { noEmit: true, paths: { '@sublinear/core': [core] }, types: [], typeRoots: [] },
      files: [at('own.ts')],
    }
    writeFileSync(at('tsconfig.json'), JSON.stringify(config))
    const own = spawnedText(tool('tsc'), ['-p', at('tsconfig.json')])
    expect(own.split('\n').filter((line) => line.includes('own.ts'))).toEqual([])
  }, 60_000)
})

/** A program that the house has installed; npx would look elsewhere where npm itself runs the tests. */
const tool = (name: string) => join(repository, 'node_modules/.bin', name)

/** Runs a program; returns what it prints, whether or not it fails. */
function spawnedText(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { cwd: repository, encoding: 'utf8' })
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout)
  }
}

test('a bar is whole in any width, and says rate and time left', () => {
  const half = { title: 'attending', unit: 'tokens', done: 131_072, total: 400_000, seconds: 10 }
  expect(barText(half, 60)).toMatch(/^attending ■+ +32% .*13\.1k tokens\/s, 21 s left$/)
  expect(barText(half, 100)).toMatch(/131k\/400k, 13\.1k tokens\/s, 21 s left$/)
  for (let width = 20; width <= 200; width++)
    for (const done of [0, 1, 131_072, 400_000]) {
      const text = barText({ ...half, done }, width)
      expect(text.length).toBeLessThan(width)
      expect(text).toMatch(width < 40 ? /%( 0\/400k)?$/ : done === 0 ? /%( 0\/400k)?$/ : /left$|%$/)
    }
})

test('numbers of 100 and more are never written as powers of ten', () => {
  expect([0.29, 34, 99.4, 99.6, 190, 1e6].map((x) => figureText(x, 2))).toEqual([
    '0.29',
    '34',
    '99',
    '100',
    '190',
    '1000000',
  ])
  expect([9.999, 99.96, 999.6, 12_345].map((x) => figureText(x))).toEqual(['10.0', '100', '1000', '12345'])
})
