// Opens a decoder by onnxruntime-web, whose WebAssembly runs in Node too: `node onnx-web.mjs model.onnx whole|with|without|prove|known`, segments with or without the
// check; `prove` keeps the proof of the check beside the model, by which `known` opens.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'

/** The runtime with which the package is tested. */
const ort = createRequire(new URL('../../../../packages/onnx/package.json', import.meta.url))('onnxruntime-web')
const [path, kind] = process.argv.slice(2)
ort.env.wasm.numThreads = 1
const read = (file) => new Uint8Array(readFileSync(join(dirname(path), file)))
const [model, data] = [read(basename(path)), read('weights.bin')]
const session = { logSeverityLevel: 3 }
if (kind === 'whole')
  await ort.InferenceSession.create(model, { ...session, externalData: [{ path: 'weights.bin', data }] })
else {
  const { filesInMemory, onnxModel } = await import('@sublinear/onnx')
  const files = filesInMemory({ 'model.onnx': model, 'weights.bin': data })
  const proof = `${path}.web-proof`
  const check = kind === 'known' ? readFileSync(proof, 'utf8') : kind !== 'without'
  const opened = await onnxModel({ model: files, ort, session, check })
  if (kind === 'prove') writeFileSync(proof, opened.proof)
}
