#!/usr/bin/env node
/**
 * Writes what the training framework said, for the tests: `node scripts/fixtures.mjs <data folder>`.
 * The data folder is the one that the training scripts leave (its `bounded` folder is the second model). Writes
 * test/fixtures/{sharp,bounded}-logits.npy (some rows of reference_logits.npy: float32 weights, PyTorch), reference.json (prompt, ids,
 * greedy continuations, ids of the captured text) and the held-out texts in data/.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeNpy, encodeNpy } from '@sublinear/io'

const [folder] = process.argv.slice(2)
if (!folder) {
  console.error('usage: node scripts/fixtures.mjs <data folder>')
  process.exit(1)
}
const to = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
/** Positions whose logits are kept: the start, the needle, and the question at the end. */
const ROWS = [0, 1, 2, 17, 22, 40, 53, 54]
/** The held-out documents, in the order of heldout.txt; undefined: not needed here. */
const TEXTS = ['persuasion', undefined, undefined, 'romans', 'revelation']

const models = {}
let prompt
for (const [name, own] of [
  ['sharp', folder],
  ['bounded', join(folder, 'bounded')],
]) {
  prompt = JSON.parse(readFileSync(join(own, 'reference_prompt.json'), 'utf8'))
  const { shape, data } = decodeNpy(readFileSync(join(own, 'reference_logits.npy')))
  const rows = ROWS.flatMap((row) => Array.from(data.subarray(row * shape[1], (row + 1) * shape[1])))
  const kept = { rows: ROWS.length, cols: shape[1], data: Float32Array.from(rows) }
  writeFileSync(to(`test/fixtures/${name}-logits.npy`), encodeNpy(kept))
  models[name] = { continuation: prompt.greedy_continuation_ids }
}
const { ids: captured } = JSON.parse(readFileSync(join(folder, 'capture.json'), 'utf8'))
const reference = { text: prompt.text, ids: prompt.ids, rows: ROWS, models, captured }
writeFileSync(to('test/fixtures/reference.json'), `${JSON.stringify(reference)}\n`)
for (const [i, text] of readFileSync(join(folder, 'heldout.txt'), 'utf8').split('\n\n').entries())
  if (TEXTS[i]) writeFileSync(to(`data/${TEXTS[i]}.txt`), text)
