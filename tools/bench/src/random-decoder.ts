import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { llama } from '../../../packages/onnx/test/models/llama.ts'

/** Words of a decoder with random weights: 8 layers, 8 heads over 2, d = 64, 28 million weights in float32, GroupQueryAttention. */
export const VOCABULARY = 4096
/** Names of the contestants that read it. In the first, onnxruntime runs the whole graph with its cache. */
export const WHOLE = 'onnxruntime, whole graph, growing cache'
export const EXACT = 'segments, exact streams'
export const WINDOW = 'segments, 4 sinks + window 252'

/** Writes it to a folder that goes with the process; returns the path of its graph. */
export function randomDecoder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sublinear-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const shape = {
    layers: 8,
    width: 512,
    heads: 8,
    kvHeads: 2,
    d: 64,
    hidden: 1536,
    vocabulary: VOCABULARY,
    places: 33_000,
  }
  const files = llama({ dialect: 'gqa', ...shape }).files({ data: 'weights.bin' })
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes)
  return join(folder, 'model.onnx')
}
