// A user's model folder, as the command reads it: one of the small models written as ONNX, so that the same model without ONNX is the truth.
// Kills: other token ids, a first token left out or twice, bytes of tokens that are not those of the text, budgets shared out otherwise, a turn of a
// talk read twice.
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exactStream } from '@sublinear/attention'
import { generate, languageModel } from '@sublinear/small-lm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeSmallModel } from '../../../packages/onnx/test/models/small-model-folder'
import { turnsOf } from '../src/chat-command'
import type { Evaluation } from '../src/evaluation/results'
import { folderTokenizer } from '../src/folder/folder-tokenizer'
import { isFolder, openFolder } from '../src/folder/model-folder'
import { callSublinear } from './call-sublinear'
import { runSublinear } from './run-sublinear'

const data = (file: string) => readFileSync(new URL(`../../../packages/small-lm/data/${file}`, import.meta.url))
const small = languageModel(data('sharp.safetensors'))
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sublinear-folder-'))
  writeSmallModel(folder)
})
afterAll(() => rmSync(folder, { recursive: true }))

const sublinear = (args: readonly string[], input?: string) =>
  input === undefined ? callSublinear(args) : runSublinear(args, { input })

describe('the tokenizer of a folder', () => {
  test('gives the ids and bytes of the small model’s own', () => {
    const own = folderTokenizer(folder)
    for (const file of ['persuasion.txt', 'romans.txt']) {
      const text = data(file).subarray(0, 60_000).toString()
      const ids = own.encode(text)
      expect(Uint16Array.from(ids)).toEqual(small.tokenizer.encode(text))
      expect(own.bytesOf(ids.slice(0, 5000))).toEqual(small.tokenizer.bytesOf(ids.slice(0, 5000)))
    }
    expect(own.begin).toEqual([own.bos])
    expect([own.bos, own.vocabulary]).toEqual([small.tokenizer.bos, small.tokenizer.vocabulary])
  })
})

describe('sublinear on a folder', () => {
  test('recalls and predicts as the model does without ONNX', async () => {
    const common = ['--streams', 'exact,streamingLlm,auto', '--budgets', '1/4', '--json', '--workers', '1']
    const runs = [
      ['needle', '--models', `sharp,${folder}`, '--lengths', '500', '--contexts', '2', ...common],
      ['perplexity', '--models', `sharp,${folder}`, '--lengths', '500', '--windows', '2', ...common],
    ]
    for (const args of runs) {
      const { code, stdout, stderr } = await sublinear(args)
      expect([code, stderr]).toEqual([0, ''])
      const { cells } = JSON.parse(stdout) as Evaluation
      const of = (model: string) => cells.filter((cell) => cell.model === model)
      expect(of(folder).length).toBe(3)
      for (const [i, cell] of of(folder).entries()) {
        const truth = of('sharp')[i]
        expect([cell.method, cell.budgetBytes, cell.outcome]).toEqual([truth.method, truth.budgetBytes, 'within'])
        expect(cell.needles?.answers).toEqual(truth.needles?.answers)
        if (truth.perplexity)
          expect(Math.abs(cell.perplexity!.bitsPerByte - truth.perplexity.bitsPerByte)).toBeLessThan(0.002)
      }
    }
  })

  test('goes on with a text as the model does', async () => {
    const prompt = 'It was a fine evening (remember falcon 4821), and she (recall falcon'
    const { stdout } = await sublinear([
      'generate',
      '--model',
      folder,
      '--prompt',
      prompt,
      '--tokens',
      '12',
      '--stream',
      'exact',
      '--json',
    ])
    const found = JSON.parse(stdout) as { ids: number[]; text: string; tokens: number }
    const ids = [small.tokenizer.bos, ...small.tokenizer.encode(prompt)]
    const truth = generate({ model: small, stream: exactStream, ids, count: 12 })
    expect(found.ids).toEqual(Array.from(truth))
    expect(found.text).toBe(small.tokenizer.decode(truth))
    expect(found.text.startsWith(' 4821)')).toBe(true)
    expect(found.tokens).toBe(ids.length + 11)
    const endless = await sublinear([
      'generate',
      '--model',
      folder,
      '--prompt',
      prompt,
      '--tokens',
      '3',
      '--stream',
      'endless',
      '--quiet',
    ])
    expect([endless.stdout, endless.stderr]).toEqual([' 4821)\n', ''])
    const stopped = await sublinear(
      ['generate', '--model', folder, '-', '--stop', ')', '--quiet', '--stream', 'exact'],
      prompt,
    )
    expect([stopped.stdout, stopped.stderr]).toEqual([' 4821\n', ''])
  })

  test('talks', async () => {
    const { code, stdout, stderr } = await sublinear(
      ['chat', '--model', folder, '--tokens', '5'],
      'Who is it?\n\nAnd where?\n',
    )
    expect([code, stdout.split('\n').length]).toEqual([0, 3])
    expect(stderr).toMatch(/held .* the exact cache would hold/)
  })

  test('refuses folders that are none, and graphs that are cut, in one line', async () => {
    const broken = mkdtempSync(join(tmpdir(), 'sublinear-broken-'))
    try {
      const run = () => sublinear(['generate', '--model', broken, '--prompt', 'x'])
      expect((await run()).stderr).toMatch(/has no tokenizer.json\n$/)
      writeSmallModel(broken)
      renameSync(join(broken, 'onnx/model.onnx_data'), join(broken, 'kept'))
      expect((await run()).stderr).toMatch(/^sublinear: onnx: .* lies in the file model.onnx_data, which is missing\n$/)
      writeFileSync(join(broken, 'onnx/model.onnx_data'), readFileSync(join(broken, 'kept')).subarray(0, 100_000))
      expect((await run()).stderr).toMatch(/^sublinear: onnx: .*: the file is cut\n$/)
      writeFileSync(join(broken, 'onnx/model.onnx'), 'no model')
      expect((await run()).stderr).toMatch(/^sublinear: onnx: /)
      writeFileSync(join(broken, 'tokenizer.json'), '{"model": 1')
      expect((await run()).stderr).toMatch(/must be a JSON object\n$/)
      expect((await run()).code).toBe(2)
    } finally {
      rmSync(broken, { recursive: true })
    }
  })

  test('opens from the program', async () => {
    expect([isFolder('sharp'), isFolder(folder)]).toEqual([false, true])
    const { model, end, name } = await openFolder(folder, { isMapped: true })
    expect([model.layers.length, end, folder.endsWith(name)]).toEqual([4, [], true])
    await model.release()
  })
})

describe('turns', () => {
  const tokenizer = { ...({} as ReturnType<typeof folderTokenizer>), special: { bos_token: '<s>' } }
  const chatTemplate =
    '{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}<end>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}'
  test('are what the template adds, so that nothing is read twice', () => {
    const talk = turnsOf({ chatTemplate, tokenizer }, 'be kind')
    expect(talk.ask('hello')).toBe('<s><system>be kind<end><user>hello<end><assistant>')
    talk.answer(' hi there \n')
    expect(talk.ask('bye')).toBe('<end><user>bye<end><assistant>')
    talk.answer('')
    expect(talk.ask('again')).toBe('<end><user>again<end><assistant>')
  })
  test('are lines without a template', () => {
    const talk = turnsOf({ tokenizer })
    expect(talk.ask('hello')).toBe('<s>hello\n')
    talk.answer('hi')
    expect(talk.ask('bye')).toBe('\nbye\n')
  })
})
