import { exactStream } from '@sublinear/exact-attention'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { afterAll, describe, expect, it } from 'vitest'
import { filesInMemory, type ModelFiles } from '../src/model-files'
import { filesInFolder } from '../src/node'
import { onnxModel } from '../src/onnx-model'
import { differs } from './models/differs'
import { DIALECTS, opsetOf } from './models/emit-attention'
import { llama } from './models/llama'
import { wholeGraph, type WholeGraph } from './models/whole-graph'

// The same graph in other forms: as files, in float16, in four bits, its constants as nodes, its names changed, saved as onnxruntime optimised it.
// Kills: weights read at the wrong offset of the model's own file, float16 taken for integers, constants that cross segments, names that are matched.

const session = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const
const IDS = Array.from({ length: 40 }, (_, i) => (i * 37 + 11) % 61)
const folder = mkdtempSync(join(tmpdir(), 'sublinear-onnx-'))
afterAll(() => rmSync(folder, { recursive: true }))
let written = 0
function saved(files: Readonly<Record<string, Uint8Array>>): string {
  const own = join(folder, String(written++))
  mkdirSync(own)
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(own, name), bytes)
  return join(own, 'model.onnx')
}

async function difference(model: ModelFiles, whole: WholeGraph, memory?: 'mapped'): Promise<number> {
  const opened = await onnxModel({ model, ort, session, ...(memory && { memory }) })
  const reader = opened.reader({ stream: exactStream })
  let worst = 0
  for (const ids of [IDS.slice(0, 25), IDS.slice(25, 26), IDS.slice(26, 27), IDS.slice(27)]) {
    const truth = await whole.read(ids)
    worst = Math.max(worst, differs((await reader.read(ids, 'all')).data, truth.data))
  }
  reader[Symbol.dispose]()
  await opened.release()
  await whole.session.release()
  return worst
}

describe('a model in a folder', () => {
  it('has its weights read where they lie, in its own file or in one beside it', async () => {
    for (const data of [undefined, 'model.onnx_data']) {
      const path = saved(llama({ dialect: 'gqa' }).files(data === undefined ? {} : { data }))
      expect(await difference(filesInFolder(path), await wholeGraph(path))).toBeLessThan(1e-5)
    }
  })
  it('opens mapped', async () => {
    const path = saved(llama({ dialect: 'decomposed' }).files({ data: 'weights' }))
    expect(await difference(filesInFolder(path), await wholeGraph(path), 'mapped')).toBeLessThan(1e-5)
  })
  it('is refused where it leads out of the folder', () => {
    const { 'model.onnx': model, 'weights.bin': data } = llama({ dialect: 'gqa' }).files({ data: 'weights.bin' })
    const outside = join(folder, 'outside.bin')
    writeFileSync(outside, data)
    const path = saved({ 'model.onnx': model })
    symlinkSync(outside, join(path, '..', 'weights.bin'))
    const files = filesInFolder(path)
    expect(() => files.size('weights.bin')).toThrow('leads out of its folder')
    expect(() => files.size('../outside.bin')).toThrow('data must lie beside the model')
    expect(() => filesInFolder(join(folder, 'none.onnx'))).toThrow('there is no file')
  })
})

describe('other forms of a graph', () => {
  it.each(['gqa', 'attention', 'decomposed'] as const)('in float16: %s', async (dialect) => {
    const opset = opsetOf(dialect)
    const path = saved(llama({ dialect, half: true }).files({ opset }))
    expect(await difference(filesInFolder(path), await wholeGraph(path))).toBeLessThan(2e-2)
  })
  it('with weights in four bits', async () => {
    const path = saved(llama({ dialect: 'gqa-packed', nibbles: true, hidden: 64 }).files())
    expect(await difference(filesInFolder(path), await wholeGraph(path))).toBeLessThan(1e-4)
  })
  it.each(DIALECTS)('with constants as nodes, in any order, under other names: %s', async (dialect) => {
    const opset = opsetOf(dialect)
    const form = { opset, asNodes: true, rename: true, shuffle: true }
    const files = llama({ dialect, window: 9 }).files(form)
    expect(await difference(filesInMemory(files['model.onnx']), await wholeGraph(files['model.onnx']))).toBeLessThan(
      1e-5,
    )
  })
  it.each(DIALECTS)('saved as onnxruntime optimised it: %s', async (dialect) => {
    const opset = opsetOf(dialect)
    const path = saved(llama({ dialect, window: 9 }).files({ opset }))
    const optimized = join(path, '..', 'optimized.onnx')
    const optimise = { ...session, graphOptimizationLevel: 'extended', optimizedModelFilePath: optimized } as const
    await (await ort.InferenceSession.create(path, optimise)).release()
    expect(await difference(filesInFolder(optimized), await wholeGraph(path))).toBeLessThan(1e-5)
  })
})
