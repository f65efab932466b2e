// Reads n tokens with a decoder in blocks of 256: `node onnx.mjs model.onnx n whole|exact|window [with|without|prove|known]`, with or without the check on opening;
// `prove` keeps the proof of the check beside the model, by which `known` opens.
// Of 32,768 tokens and more the whole graph reads the last 512 alone, behind a cache of random rows: it would take minutes, and holds most at the end.
import { exactStream } from '@sublinear/exact-attention'
import { sinks, tiers, window } from '@sublinear/kv-cache'
import { readFileSync, writeFileSync } from 'node:fs'
import * as ort from 'onnxruntime-node'

const [path, n, kind, way] = [process.argv[2], Number(process.argv[3]), process.argv[4], process.argv[5]]
const proof = `${path}.proof`
const check = way === 'known' ? readFileSync(proof, 'utf8') : way !== 'without'
const filled = n >= 32_768 ? n - 512 : 0
const session = { intraOpNumThreads: 1 }
const block = (at) => Array.from({ length: 256 }, (_, i) => ((at + i) * 7919) % 4096)
const bounded = (shape) => tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 252 })] })
const rows = (length) => Float32Array.from({ length }, (_, i) => Math.sin(i))
if (kind === 'whole') {
  const run = await ort.InferenceSession.create(path, session)
  let past = {}
  for (const { name, shape } of run.inputMetadata)
    if (name.startsWith('past'))
      past[name] = new ort.Tensor('float32', rows(shape[1] * filled * shape[3]), [1, shape[1], filled, shape[3]])
  for (let at = filled; at < n; at += 256) {
    const input_ids = new ort.Tensor('int64', BigInt64Array.from(block(at), BigInt), [1, 256])
    const attention_mask = new ort.Tensor('int64', new BigInt64Array(at + 256).fill(1n), [1, at + 256])
    const out = await run.run({ input_ids, attention_mask, ...past })
    for (const tensor of Object.values(past)) tensor.dispose()
    past = Object.fromEntries(Object.keys(past).map((name) => [name, out[name.replace('past_key_values', 'present')]]))
  }
} else {
  const { onnxModel } = await import('@sublinear/onnx')
  const { filesInFolder } = await import('@sublinear/onnx/node')
  const model = await onnxModel({ model: filesInFolder(path), ort, session, check })
  if (way === 'prove') writeFileSync(proof, model.proof)
  const reader = model.reader({ stream: kind === 'exact' ? exactStream : bounded })
  for (let at = 0; at < n; at += 256) await reader.read(block(at), 'last')
}
