/**
 * Writes a decoder with random weights, of a size that people run at home: 24 layers, 14 query heads over 2 heads of keys, d = 64, width 896, a
 * vocabulary of 151,936; weights in
 * four bits (MatMulNBits), the embedding in float16: `node half-billion.ts folder [window …]`. It writes model.onnx, weights.bin, and for each window
 * W a window-W.onnx
 * over the same weights, whose caches onnxruntime itself keeps at W tokens. The files take 600 MB; the repository keeps none of them.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { llama } from '../../../packages/onnx/test/models/llama.ts'

export const SHAPE = { layers: 24, width: 896, heads: 14, kvHeads: 2, d: 64, hidden: 4864, vocabulary: 151_936 }

export function writeHalfBillion(folder: string, windows: readonly number[] = []): void {
  for (const window of [undefined, ...windows]) {
    const name = window === undefined ? 'model.onnx' : `window-${window}.onnx`
    if (existsSync(join(folder, name))) continue
    const own = { dialect: 'gqa', ...SHAPE, places: 33_000, nibbles: true, smallEnds: true } as const
    const graph = llama({ ...own, ...(window !== undefined && { runtimeWindow: window }) })
    const files = graph.files({ data: 'weights.bin' })
    writeFileSync(join(folder, name), files['model.onnx'])
    if (window === undefined) writeFileSync(join(folder, 'weights.bin'), files['weights.bin'])
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, ...windows] = process.argv.slice(2)
  if (folder === undefined) {
    console.error('node half-billion.ts folder [window …]')
    process.exit(1)
  }
  writeHalfBillion(folder, windows.map(Number))
}
