// The proof of an opening lies beside the model, so that a later command opens it without the whole graph's session. Truth: the sessions that onnxruntime makes.
// Kills: a proof that is not kept, or kept under one name for all graphs and ways; a command that fails or says something where the folder cannot be written.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { writeSmallModel } from '../../../packages/onnx/test/models/small-model-folder'
import { openFolder, type FolderOptions } from '../src/folder/model-folder'
import { callSublinear } from './call-sublinear'

let folder: string
const kept = () => join(folder, 'sublinear-openings.json')
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sublinear-opening-'))
  writeSmallModel(folder)
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

/** Opens the folder; counts sessions of the whole graph: those that make logits from a cache. */
async function wholeSessions(options: FolderOptions = {}): Promise<number> {
  const made = vi.spyOn(ort.InferenceSession, 'create')
  const { model } = await openFolder(folder, { threads: 1, ...options })
  const sessions = await Promise.all(made.mock.results.map(({ value }) => value as Promise<ort.InferenceSession>))
  const whole = sessions.filter(
    ({ inputNames, outputNames }) =>
      inputNames.some((name) => name.startsWith('past')) && outputNames.includes('logits'),
  )
  expect(sessions.length).toBeGreaterThan(2)
  made.mockRestore()
  await model.release()
  return whole.length
}

test('the second opening makes no session of the whole graph, each way for itself', async () => {
  expect(await wholeSessions()).toBe(1)
  const first = readFileSync(kept(), 'utf8')
  expect(await wholeSessions()).toBe(0)
  expect(await wholeSessions({ threads: 2 })).toBe(0)
  expect(await wholeSessions({ isMapped: true })).toBe(1)
  expect(await wholeSessions({ isMapped: true })).toBe(0)
  expect(await wholeSessions()).toBe(0)
  expect(readFileSync(kept(), 'utf8').length).toBeGreaterThan(first.length)
})

test('a changed graph is checked again, and its proof takes the place of the old one', async () => {
  await wholeSessions()
  const path = join(folder, 'onnx/model.onnx')
  const bytes = readFileSync(path)
  writeFileSync(path, bytes) // the same bytes, of another time
  expect([await wholeSessions(), await wholeSessions()]).toEqual([1, 0])
})

test('where nothing can be kept, commands check each time and say nothing of it', async () => {
  mkdirSync(kept())
  expect([await wholeSessions(), await wholeSessions()]).toEqual([1, 1])
  const { code, stderr } = await callSublinear(['generate', '--model', folder, '--prompt', 'It', '--tokens', '2'])
  expect([code, stderr.trimEnd()]).toEqual([0, expect.stringMatching(/^4 tokens, .*x\)$/)]) // its usual line alone
})

test.each(['', '{}', 'null', '{"kind":"sublinear openings","version":2}', '{"kind":"sublinear openings","version":1}'])(
  'a file that holds no proofs is replaced: %j',
  async (text) => {
    writeFileSync(kept(), text)
    expect([await wholeSessions(), await wholeSessions()]).toEqual([1, 0])
  },
)
