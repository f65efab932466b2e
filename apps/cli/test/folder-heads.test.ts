// read, capture, compare and plan on a user's model folder. The small model as ONNX, whose truth is the same model without ONNX; and a random
// decoder of Llama's shape with groups and windows.
// Kills: a query head written to another's place, rows of another layer, a layer with a window planned for, recipes that are not what generate runs,
// ids that hang on how a text comes in parts, a question in a folder answered from another text, a cap or a sink left out of a plan, a board or an answer
// from files, sinks of other query heads, a sink once a block, recipes for layers that have no keys of their own.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeNpy } from '@sublinear/io'
import { languageModel } from '@sublinear/small-lm'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { differs } from '../../../packages/onnx/test/models/differs'
import { llama } from '../../../packages/onnx/test/models/llama'
import { writeSmallModel } from '../../../packages/onnx/test/models/small-model-folder'
import { folderEncoder } from '../src/folder/folder-encoder'
import { folderTokenizer } from '../src/folder/folder-tokenizer'
import { callSublinear } from './call-sublinear'

const data = (file: string) => readFileSync(new URL(`../../../packages/small-lm/data/${file}`, import.meta.url))
let root: string
const at = (...names: readonly string[]) => join(root, ...names)
const sublinear = (...args: readonly string[]) => callSublinear(args, root)
const arrayOf = (...names: readonly string[]) => decodeNpy(readFileSync(at(...names)))

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'sublinear-heads-'))
  for (const name of ['small', 'random', 'capped', 'shared']) {
    mkdirSync(at(name))
    writeSmallModel(at(name))
  }
  const { vocabulary } = languageModel(data('sharp.safetensors')).config
  const shape = { dialect: 'gqa', vocabulary, places: 4096, layers: 4 } as const
  const others = {
    random: { ...shape, window: 11 },
    capped: { ...shape, window: 11, softcap: 1.5, sinks: true },
    shared: { ...shape, sharing: 2 },
  }
  for (const [name, options] of Object.entries(others))
    for (const [file, bytes] of Object.entries(llama(options).files({ data: 'model.onnx_data', opset: 17 })))
      writeFileSync(at(name, 'onnx', file), bytes)
})
afterAll(() => rmSync(root, { recursive: true }))

const errorOf = ({ budgets: [{ cells }] }: { budgets: { cells: { errors: { relative: number } }[] }[] }) =>
  cells[0].errors.relative
/** Runs a command, and reads the JSON that it prints. */
const told = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await sublinear(...args, '--json')
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}
/** Rows of 16 numbers. */
const rows = (data: Float32Array, at: number) => data.subarray(16 * at, 16 * (at + 1))
const withRecipes = (model: string, ...more: readonly string[]) =>
  sublinear('generate', '--model', model, '--prompt', 'x', '--tokens', '1', '--recipes', ...more)
const readBy = async (model: string, stream: string) => {
  const args = ['asked.txt', '--model', model, '--stream', stream, '--ask', 'falcon', 'ivy', '--json']
  return JSON.parse((await sublinear('read', ...args)).stdout)
}
const marked = (text: string) => [0, ...new TextEncoder().encode(text)]

describe('capture', () => {
  test('writes for a folder what it writes for the model without ONNX', async () => {
    for (const [model, out] of [
      ['sharp', 'own'],
      ['./small', 'folder'],
    ])
      expect(await sublinear('capture', '--model', model, '--tokens', '300', '--out', out, '--quiet')).toEqual({
        code: 0,
        stdout: '',
        stderr: '',
      })
    for (const part of ['queries.npy', 'keys.npy', 'values.npy']) {
      const [own, folder] = [arrayOf('own', part), arrayOf('folder', part)]
      expect(folder.shape).toEqual([4, 4, 300, 32])
      expect([part, own.shape]).toEqual([part, folder.shape])
      expect(differs(folder.data as Float32Array, own.data as Float32Array)).toBeLessThan(1e-4)
    }
  })
  test('keeps groups together and leaves windows out, so that other commands take the files', async () => {
    const { stdout } = await sublinear('capture', '--model', './random', '--tokens', '200', '--out', 'rows', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ model: 'random', tokens: 200, layers: [1, 3], groups: 4 })
    expect(arrayOf('rows/queries.npy').shape).toEqual([2, 8, 200, 16])
    expect(arrayOf('rows/keys.npy').shape).toEqual([2, 2, 200, 16])
    const files = ['rows/queries.npy', 'rows/keys.npy', 'rows/values.npy']
    const budget = ['--streams', 'window', '--budgets', '1/4', '--prefix', '150', '--pilot', '0', '--json']
    const byFiles = JSON.parse((await sublinear('compare', ...files, ...budget)).stdout)
    const byModel = JSON.parse(
      (await sublinear('compare', '--model', './random', '--text', 'persuasion', '--tokens', '200', ...budget)).stdout,
    )
    expect(byFiles.heads.length).toBe(16)
    expect(byModel.heads.map(({ name }: { name: string }) => name)).toEqual(['1.0', '1.1', '3.0', '3.1'])
    // four query heads at once are judged by the root of their squares: between the best and the worst of the four
    for (const [i, head] of byModel.heads.entries()) {
      const four = byFiles.heads.slice(4 * i, 4 * i + 4).map(errorOf)
      expect(errorOf(head)).toBeGreaterThanOrEqual(Math.min(...four) * 0.999)
      expect(errorOf(head)).toBeLessThanOrEqual(Math.max(...four) * 1.001)
    }
  })
  test('refuses heads that are not there, and a model without a name, in one line', async () => {
    const run = (...more: readonly string[]) => sublinear('capture', '--out', 'none', ...more)
    expect((await run('--model', './random', '--heads', '1.2')).stderr).toBe(
      'sublinear: there is no head 1.2, only 0.0 … 3.1\n',
    )
    expect(await run()).toMatchObject({ code: 1 })
    expect((await sublinear('compare', 'q.npy', 'k.npy', 'v.npy', '--model', './random')).code).toBe(1)
    expect((await sublinear('plan', '--model', './random', '--d', '4')).code).toBe(1)
  })
})

describe('plan', () => {
  test('keeps a recipe of each head beside the model, which generate, read and perplexity run', async () => {
    const asked = ['--model', './random', '--budget', '1/4', '--tokens', '300', '--pilot', '100']
    const { code, stdout } = await sublinear('plan', ...asked)
    expect([code, stdout.includes('recipes in')]).toEqual([0, true])
    const recipes = JSON.parse(readFileSync(at('random/sublinear-recipes.json'), 'utf8'))
    expect(recipes).toMatchObject({ tokens: 300, budget: '1/4', text: 'revelation' })
    expect(recipes.heads.map(({ length }: { length: number }) => length)).toEqual([0, 2, 0, 2])
    writeFileSync(at('text.txt'), data('persuasion.txt').subarray(0, 1500))
    const held = async (...how: readonly string[]) => {
      const { stdout: out } = await sublinear(
        'generate',
        'text.txt',
        '--model',
        './random',
        '--tokens',
        '2',
        '--json',
        ...how,
      )
      return JSON.parse(out)
    }
    const [planned, exact] = [await held('--recipes'), await held('--stream', 'exact')]
    expect(planned).toMatchObject({ stream: 'recipes', cacheBytes: exact.cacheBytes })
    // two of four layers have recipes of at most a quarter of 300 tokens, the others hold at most their window and what waits
    expect(planned.bytes).toBeLessThan(exact.bytes / 2)
    const read = JSON.parse((await sublinear('read', 'text.txt', '--model', './random', '--recipes', '--json')).stdout)
    expect(read).toMatchObject({ stream: 'recipes', cacheBytes: (read.tokens * exact.cacheBytes) / exact.tokens })
  }, 180_000)
  test('for one text is judged on another by perplexity', async () => {
    const scored = [
      '--models',
      './random',
      '--lengths',
      '300',
      '--windows',
      '1',
      '--streams',
      'exact',
      '--json',
      '--workers',
      '1',
    ]
    const evaluated = await sublinear('perplexity', ...scored, '--budgets', '1/4', '--advice', 'advice.json')
    expect(evaluated.stderr).toBe('')
    const { cells } = JSON.parse(evaluated.stdout) as { cells: { method: string; outcome: string }[] }
    expect(cells.map(({ method, outcome }) => [method, outcome])).toEqual([
      ['exact', 'within'],
      ['advised', 'within'],
    ])
  }, 180_000)
  test('is refused where recipes are of another model, or there are none', async () => {
    expect((await withRecipes('./small')).stderr).toContain(
      'there is no such file: sublinear plan --model writes one\n',
    )
    expect((await withRecipes('./small', 'random/sublinear-recipes.json')).stderr).toMatch(
      /^sublinear: --recipes random\/sublinear-recipes.json: layer 0 must have recipes of 4 key heads\n$/,
    )
    expect((await withRecipes('./random', 'random/config.json')).stderr).toContain('is not a file of recipes')
    expect((await withRecipes('./random', 'random/sublinear-recipes.json', '--budget', '1/8')).code).toBe(2)
  })
})

describe('heads with caps, sinks and windows', () => {
  interface Told {
    readonly heads: readonly {
      readonly name: string
      readonly sinkLogit: unknown
      readonly budgets: readonly { readonly cells: readonly { readonly errors: { readonly relative: number } }[] }[]
    }[]
  }
  const files = ['queries', 'keys', 'values'].map((part) => `capped-rows/${part}.npy`)
  let captured: { readonly softcap: number; readonly sinks: readonly number[] }
  /** Options by which files are attended as the model does. */
  const ofModel = () => ['--softcap', String(captured.softcap), '--sink', captured.sinks.join(',')]

  test('are captured with what commands on files need', async () => {
    const asked = ['--model', './capped', '--tokens', '300', '--out', 'capped-rows']
    captured = await told('capture', ...asked)
    expect(captured).toMatchObject({ layers: [1, 3], groups: 4 })
    expect(captured.softcap).toBeCloseTo(1.5, 6)
    expect(captured.sinks.length).toBe(16)
    expect(new Set(captured.sinks).size).toBe(16)
    const { stdout } = await sublinear('capture', ...asked)
    expect(stdout).toContain(`--softcap ${captured.softcap}`)
    expect(stdout).toContain(`--sink ${captured.sinks.join(',')}`)
  })
  test('are compared from the model as from its files, and methods that cannot are named', async () => {
    const how = [
      '--streams',
      'window,exact,auto,closure',
      '--budgets',
      '1000000,1/4',
      '--prefix',
      '200',
      '--pilot',
      '0',
    ]
    const byFiles: Told = await told('compare', ...files, ...ofModel(), ...how)
    const asked = ['--model', './capped', '--text', 'persuasion', '--tokens', '300']
    const byModel: Told = await told('compare', ...asked, ...how)
    expect(byModel.heads.map(({ name }) => name)).toEqual(['1.0', '1.1', '3.0', '3.1'])
    const errorOf = ({ budgets }: Told['heads'][number], budget: number, stream: number) =>
      budgets[budget].cells[stream].errors.relative
    for (const [i, head] of byModel.heads.entries()) {
      const four = byFiles.heads.slice(4 * i, 4 * i + 4)
      const sinkLogit = captured.sinks.slice(4 * i, 4 * i + 4)
      expect(head).toMatchObject({ softcap: captured.softcap, sinkLogit })
      expect(four.map((own) => own.sinkLogit)).toEqual(sinkLogit)
      expect(Math.max(...[head, ...four].map((own) => errorOf(own, 0, 1)))).toBeLessThan(1e-6)
      const windows = four.map((own) => errorOf(own, 1, 0))
      expect(errorOf(head, 1, 0)).toBeGreaterThanOrEqual(Math.min(...windows) * 0.999)
      expect(errorOf(head, 1, 0)).toBeLessThanOrEqual(Math.max(...windows) * 1.001)
      expect(errorOf(head, 0, 2)).toBeLessThan(0.02) // auto, in codes
      const cannot = { stream: 'closure', outcome: 'cannot', why: 'cannot do softcap' }
      for (const { cells } of head.budgets) expect(cells[3]).toEqual(cannot)
    }
    const { code, stdout } = await sublinear('compare', ...files, ...ofModel(), ...how)
    expect([code, stdout.includes('cannot do softcap: closure')]).toEqual([0, true])
  })
  test('are answered from files, all heads, and checked against such attention', async () => {
    const check = ['--stream', 'exact', '--out', 'capped.npy', '--check']
    const { heads } = await told('attend', ...files, ...ofModel(), ...check)
    expect(heads.length).toBe(16)
    for (const { error } of heads) expect(error).toBeLessThan(1e-6)
    const answers = arrayOf('capped.npy').data as Float32Array
    const [queries, keys, values] = files.map((file) => arrayOf(file).data as Float32Array)
    for (const [h, row] of [
      [0, 299],
      [6, 120],
      [13, 0],
    ]) {
      const first = 300 * Math.floor(h / 4)
      const shares = Array.from({ length: row + 1 }, (_, j) => {
        const s = rows(queries, 300 * h + row).reduce((sum, x, c) => sum + x * rows(keys, first + j)[c], 0) / 4
        return Math.exp(captured.softcap * Math.tanh(s / captured.softcap))
      })
      const mass = shares.reduce((a, b) => a + b, Math.exp(captured.sinks[h]))
      const truth = Array.from({ length: 16 }, (_, c) =>
        shares.reduce((sum, share, j) => sum + (share / mass) * rows(values, first + j)[c], 0),
      )
      expect(differs(rows(answers, 300 * h + row), Float32Array.from(truth))).toBeLessThan(1e-5)
    }
    const wrong = await sublinear('attend', ...files, '--sink', '1,2', '--stream', 'exact', '--out', 'none.npy')
    expect(wrong.stderr).toContain('--sink must have one logit, or one for each of the 16 query heads, got 2')
  })
  test('are planned, by methods that can, for recipes that generate runs', async () => {
    const asked = ['--model', './capped', '--budget', '1/4', '--tokens', '520', '--pilot', '260']
    const { heads } = await told('plan', ...asked)
    expect(heads.map(({ length }: { length: number }) => length)).toEqual([0, 2, 0, 2])
    const run = ['--prompt', 'It was a fine day', '--tokens', '2', '--recipes', '--json']
    expect(await told('generate', '--model', './capped', ...run)).toMatchObject({ stream: 'recipes' })
    const one = files.map((file, i) => `${file}[0,${i === 0 ? 1 : 0}]`)
    const { softcap, sinkLogit, advice } = await told(
      'plan',
      ...one,
      '--softcap',
      '1.5',
      '--sink',
      '0.5',
      '--budget',
      '1/4',
    )
    expect([softcap, sinkLogit]).toEqual([1.5, 0.5])
    expect(advice).toContain('cannot do it')
  }, 180_000)
  test('that see a window alone are left as they are', async () => {
    for (const command of ['plan', 'compare'])
      expect((await sublinear(command, '--model', './random', '--heads', '0.1', '--tokens', '300')).stderr).toBe(
        `sublinear: layer 0 keeps a window of 11 tokens of its own: there is nothing to ${command}\n`,
      )
    expect((await sublinear('compare', '--model', './random', '--softcap', '3')).stderr).toContain(
      '--softcap is of the model',
    )
    expect((await sublinear('plan', '--model', './random', '--sink', '3')).stderr).toContain('--sink is of the model')
  })
  test('that read the keys of another layer have no recipe of their own', async () => {
    const asked = ['--model', './shared', '--budget', '1/4', '--tokens', '520', '--pilot', '260']
    const { heads } = await told('plan', ...asked)
    expect(heads.map(({ length }: { length: number }) => length)).toEqual([2, 2, 0, 0])
    expect(await told('generate', '--model', './shared', '--prompt', 'x', '--tokens', '2', '--recipes')).toMatchObject({
      stream: 'recipes',
    })
  }, 180_000)
})

describe('read', () => {
  test('answers questions with a folder as with the model without ONNX', async () => {
    const straw = data('romans.txt').subarray(0, 4000).toString()
    writeFileSync(at('asked.txt'), `${straw} (remember falcon 4729) and${straw.slice(0, 1500)}`)
    for (const stream of ['exact', 'taylor']) {
      const [own, folder] = [await readBy('sharp', stream), await readBy('./small', stream)]
      expect([folder.tokens, folder.cacheBytes, folder.answers]).toEqual([own.tokens, own.cacheBytes, own.answers])
    }
    expect((await readBy('./small', 'exact')).answers).toMatchObject([
      { word: 'falcon', text: ' 4729' },
      { word: 'ivy', refused: 'never planted' },
    ])
  })
})

describe('an address', () => {
  test('is fetched once, from a server of a hub’s shape', async () => {
    const asked: string[] = []
    const server = createServer(({ url }, response) => {
      asked.push(url!)
      const file = at('small', url!.replace('/me/small/resolve/main/', ''))
      if (!existsSync(file) || !statSync(file).isFile()) response.writeHead(404).end()
      else response.end(readFileSync(file))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    vi.stubEnv('SUBLINEAR_CACHE', at('cache'))
    try {
      const model = `http://127.0.0.1:${(server.address() as AddressInfo).port}/me/small`
      const said = async (...more: readonly string[]) =>
        sublinear(
          'generate',
          '--prompt',
          '(remember ivy 4821) (recall ivy',
          '--tokens',
          '3',
          '--quiet',
          '--model',
          ...more,
        )
      const own = await said('./small')
      expect(await said(model)).toEqual(own)
      const before = asked.filter((url) => /onnx|tokenizer.json/.test(url)).length
      expect(await said(model)).toEqual(own)
      expect([before, asked.filter((url) => /onnx|tokenizer.json/.test(url)).length]).toEqual([3, 3])
      expect((await said(`${model}/more`)).stderr).toContain('must be https://host/owner/name')
      expect((await said(model, '--recipes')).stderr).toContain('name a file for its recipes')
    } finally {
      vi.unstubAllEnvs()
      server.close()
    }
  })
})

describe('a text in parts', () => {
  const bytes = new TextEncoder().encode(
    `${data('persuasion.txt').subarray(0, 5000).toString()}\n\n  And  naïve – 漢字 𝄞𝄞 (recall x).\n`,
  )
  const inParts = (encoder: ReturnType<typeof folderEncoder>, size: number) => {
    const ids: number[] = []
    for (let from = 0; from < bytes.length; from += size) ids.push(...encoder.push(bytes.subarray(from, from + size)))
    return { before: ids.length, ids: [...ids, ...encoder.end()] }
  }
  test.each([1, 7, 64, 4096])('has the ids of the whole, by %i bytes', (size) => {
    const { encode, encoder } = folderTokenizer(at('small'))
    const { ids, before } = inParts(encoder(), size)
    expect(ids).toEqual(encode(new TextDecoder().decode(bytes)))
    expect(before).toBeGreaterThan(ids.length * 0.8)
  })
  test('waits for the end where a tokenizer marks the beginning of every text', () => {
    const { ids, before } = inParts(folderEncoder(marked), 64)
    expect([before, ids]).toEqual([0, marked(new TextDecoder().decode(bytes))])
  })
  test('is cut in the end where there is no space', () => {
    const letters = '漢𝄞'.repeat(60_000)
    const encoder = folderEncoder((text) => Array.from(text, (letter) => letter.codePointAt(0)!))
    const ids = [...encoder.push(new TextEncoder().encode(letters)), ...encoder.end()]
    expect(String.fromCodePoint(...ids.slice(0, 9))).toBe(letters.slice(0, 13))
    expect(ids.length).toBe(120_000)
    expect(ids.every((id) => id === 0x6f22 || id === 0x1d11e)).toBe(true)
  })
})
