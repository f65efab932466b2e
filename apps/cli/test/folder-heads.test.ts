// read, capture, compare and plan on a user's model folder. The small model as ONNX, whose truth is the same model without ONNX; and a random
// decoder of Llama's shape with groups and windows.
// Kills: a query head written to another's place, rows of another layer, a layer with a window planned for, recipes that are not what generate runs,
// ids that hang on how a text comes in parts, a question in a folder answered from another text.
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
  for (const name of ['small', 'random']) {
    mkdirSync(at(name))
    writeSmallModel(at(name))
  }
  const { vocabulary } = languageModel(data('sharp.safetensors')).config
  const shape = { dialect: 'gqa', vocabulary, window: 11, places: 4096, layers: 4 } as const
  for (const [file, bytes] of Object.entries(llama(shape).files({ data: 'model.onnx_data' })))
    writeFileSync(at('random/onnx', file), bytes)
})
afterAll(() => rmSync(root, { recursive: true }))

const errorOf = ({ budgets: [{ cells }] }: { budgets: { cells: { errors: { relative: number } }[] }[] }) =>
  cells[0].errors.relative
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
    const asked = ['--model', './random', '--budget', '1/4', '--tokens', '600', '--pilot', '200']
    const { code, stdout } = await sublinear('plan', ...asked)
    expect([code, stdout.includes('recipes in')]).toEqual([0, true])
    const recipes = JSON.parse(readFileSync(at('random/sublinear-recipes.json'), 'utf8'))
    expect(recipes).toMatchObject({ tokens: 600, budget: '1/4', text: 'revelation' })
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
    // two of four layers have recipes of at most a quarter of 600 tokens, the others hold at most their window and what waits
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
