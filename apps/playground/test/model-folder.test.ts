// A model's folder as a browser gives it. Truth: the small model's own tokenizer and its folder as the bridge's tests write it. Kills: data of another graph handed over, a graph
// chosen by chance, tokens that are not the model's, a talk that begins twice, a stream above its share.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { languageModel } from '@sublinear/small-lm'
import { afterAll, describe, expect, it } from 'vitest'
import { writeSmallModel } from '../../../packages/onnx/test/models/small-model-folder.ts'
import { graphsIn, modelIn, type FolderFile } from '../src/model/folder-files'
import { folderText } from '../src/model/folder-text'
import { headStreams, REMEMBERS } from '../src/model/head-streams'

const folder = mkdtempSync(join(tmpdir(), 'folder-'))
afterAll(() => rmSync(folder, { recursive: true }))
writeSmallModel(folder)
const files: FolderFile[] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => statSync(join(folder, path)).isFile())
  .map((path) => ({ path, size: 0, bytes: async () => new Uint8Array(readFileSync(join(folder, path))) }))
const text = (path: string, words: string): FolderFile => ({
  path,
  size: words.length,
  bytes: async () => new TextEncoder().encode(words),
})

describe('a folder', () => {
  it('gives the graph and its own data, by the names that the graph calls them', async () => {
    const more = ['onnx/model_q4.onnx', 'onnx/model_q4.onnx_data', 'onnx/notes.txt', 'other/model.onnx_data'].map(
      (path) => text(path, path),
    )
    const { graph } = await modelIn([...more, ...files])
    expect(Object.keys(graph)).toEqual(['model.onnx', 'model.onnx_data'])
    const data = readFileSync(join(folder, 'onnx/model.onnx_data'))
    expect(Buffer.compare(data, graph['model.onnx_data'])).toBe(0)
    const other = await modelIn([...more, ...files], 'onnx/model_q4.onnx')
    expect(Object.keys(other.graph)).toEqual(['model_q4.onnx', 'model_q4.onnx_data'])
    expect(graphsIn([...more, ...files])).toEqual(['onnx/model.onnx', 'onnx/model_q4.onnx'])
  })

  it('is refused by what it lacks', async () => {
    await expect(modelIn([])).rejects.toThrow('the folder has no tokenizer.json')
    await expect(modelIn(files.filter(({ path }) => !path.endsWith('.onnx')))).rejects.toThrow('no .onnx file')
    await expect(modelIn([text('tokenizer.json', '{')])).rejects.toThrow('tokenizer.json: is no JSON')
    const broken = await modelIn([
      text('tokenizer.json', '{}'),
      ...files.filter(({ path }) => path !== 'tokenizer.json'),
    ])
    expect(() => folderText(broken)).toThrow(/^tokenizer.json cannot be read: /)
  })

  it('has the tokens of the model, and a talk by its template', async () => {
    const { tokenizer } = languageModel(
      readFileSync(new URL('../../../packages/small-lm/data/sharp.safetensors', import.meta.url)),
    )
    const found = await modelIn(files)
    const own = folderText(found)
    const words = 'It was (remember falcon 4821), he said. Ünïcode'
    expect(own.encode(words)).toEqual([...tokenizer.encode(words)])
    expect(own.decode(own.encode(words))).toBe(words)
    const plain = own.talk()
    expect([plain.ask('one'), plain.ask(' two')]).toEqual(['<bos>one', ' two'])
    const chatTemplate = '{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}'
    const talk = folderText({ ...found, chatTemplate }).talk()
    expect(talk.ask('hello')).toBe('[user]hello')
  })
})

describe('streams of the heads', () => {
  const shape = { d: 32, dv: 32, scale: 0.2 }
  const layers = [{ heads: 4, kvHeads: 2, groups: 2, dialect: 'gqa', shape }] as never
  it.each(REMEMBERS.filter((name) => name !== 'exact' && name !== 'endless'))('%s stays within its share', (name) => {
    const held = { context: 2048, share: 1 / 8 }
    using stream = headStreams({ layers }, name, held)(shape, 0, 1) as ReturnType<ReturnType<typeof headStreams>> &
      Disposable
    const rows = { rows: 512, cols: 32, data: new Float32Array(512 * 32).map((_, i) => Math.sin(i)) }
    for (let i = 0; i < 4; i++) stream.step({ keys: rows, values: rows }, rows)
    expect(stream.bytes).toBeLessThanOrEqual((4 * 64 * 2048) / 8)
  })
  it('says which does not fit', () => {
    expect(() => headStreams({ layers }, 'quantised', { context: 1024, share: 1 / 64 })(shape, 0, 0)).toThrow(
      /^quantised does not fit in \d+ bytes a head$/,
    )
  })
})
