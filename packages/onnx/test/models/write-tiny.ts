/** Writes ../data/tiny.onnx, the model of the README's example: `node write-tiny.ts`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { llama } from './llama.ts'

/** Two layers of four heads over two, d = 16, random weights. */
export function tinyModel(): Uint8Array {
  const shape = {
    layers: 2,
    width: 16,
    heads: 4,
    kvHeads: 2,
    d: 16,
    hidden: 24,
    vocabulary: 48,
    places: 640,
    window: 32,
  }
  return llama({ dialect: 'gqa', ...shape }).files()['model.onnx']
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(new URL('../data', import.meta.url), { recursive: true })
  writeFileSync(new URL('../data/tiny.onnx', import.meta.url), tinyModel())
}
