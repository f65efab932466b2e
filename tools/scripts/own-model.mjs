#!/usr/bin/env node
/**
 * Runs `npm run model`: a decoder in ONNX reads through bounded streams, and is asked what it still recalls. Without a folder one of the small models
 * is written as ONNX and used; `npm run model -- ./my-model` uses your folder with config.json, tokenizer.json, onnx/model.onnx and its data.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const [own] = process.argv.slice(2)
const folder = own === undefined ? join(root, 'node_modules/.cache/sharp-onnx') : resolve(own)
if (own === undefined && !existsSync(join(folder, 'onnx/model.onnx'))) {
  mkdirSync(folder, { recursive: true })
  node('packages/onnx/test/models/small-model-folder.ts', folder, 'sharp', 'gqa')
}
console.log(
  `${own === undefined ? 'The small model sharp as ONNX' : own}: needles recalled from 1024 tokens, through streams of an eighth of its cache.`,
)
const streams = ['--streams', 'exact,streamingLlm,auto', '--budgets', '1/8']
node('apps/cli/bin/sublinear.mjs', 'needle', '--models', folder, ...streams, '--lengths', '1k', '--contexts', '3')
if (own === undefined) console.log('\nYour own: npm run model -- ./my-model')

function node(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
