#!/usr/bin/env node
/**
 * Makes the weight files of data/: `node scripts/convert.mjs <folder> <tokenizer.json> <out.safetensors> [F16 | F32]`.
 * The folder has model.safetensors in float32 and config.json, as the training scripts leave them. Weights are rounded to
 * float16 (nearest even) unless F32 is asked for; config and merges go into the metadata, a CRC-32 seals the whole.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeSnapshot } from '@sublinear/core'
import { decodeTensors } from '@sublinear/io'

const [folder, tokenizer, out, dtype = 'F16'] = process.argv.slice(2)
if (!out || !['F16', 'F32'].includes(dtype)) {
  console.error('usage: node scripts/convert.mjs <folder> <tokenizer.json> <out.safetensors> [F16 | F32]')
  process.exit(1)
}
const source = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
const config = {
  layers: source.n_layers,
  heads: source.n_heads,
  d: source.head_dim,
  width: source.d_model,
  hidden: source.d_ff,
  vocabulary: source.vocab_size,
  ropeBase: source.rope_theta,
  epsilon: source.ln_eps,
  ...(source.qk_norm && { logitBound: source.logit_bound }),
  trainedContext: source.trained_context,
}
const { merges } = JSON.parse(readFileSync(tokenizer, 'utf8'))
const { tensors } = decodeTensors(readFileSync(join(folder, 'model.safetensors')))
const bytes = encodeSnapshot({
  kind: 'small-lm',
  version: '1',
  parameters: { config: JSON.stringify(config), merges: JSON.stringify(merges) },
  tensors: Object.fromEntries([...tensors].map(([name, { shape, data }]) => [name, { dtype, shape, data }])),
})
writeFileSync(out, bytes)
console.log(`${out}: ${tensors.size} tensors, ${bytes.length} bytes`)
