// Measures a decoder that holds n tokens and decodes more: `node onnx-decoder.mjs folder n whole|ring|exact|window|auto`. Reports {"µs": CPU time a
// token} with its peak memory, by report-peak.mjs.
// The n tokens are random rows put into the cache, not tokens that the model read: reading them would cost hours, a decoded token costs milliseconds.
import { autoStream } from '@sublinear/attention'
import { exactStream } from '@sublinear/exact-attention'
import { sinks, tiers, window } from '@sublinear/kv-cache'
import * as ort from 'onnxruntime-node'
import { join } from 'node:path'

const [folder, n, kind] = [process.argv[2], Number(process.argv[3]), process.argv[4]]
const [WARM, MEASURED, BLOCK] = [16, 12, 256] // compiled code is measured
const session = { intraOpNumThreads: 1, extra: { session: { intra_op: { allow_spinning: '0' } } } }
let state = 1
const random = (length) => {
  const out = new Float32Array(length)
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    out[i] = state / 2 ** 31 - 1
  }
  return out
}
const step = kind === 'whole' || kind === 'ring' ? await wholeSteps() : await segmentSteps()
for (let i = 0; i < WARM; i++) await step()
const start = process.cpuUsage()
for (let i = 0; i < MEASURED; i++) await step()
const { user, system } = process.cpuUsage(start)
process.prependListener('exit', () => {
  globalThis.reported = { µs: (user + system) / MEASURED }
})

async function wholeSteps() {
  const isRing = kind === 'ring'
  const run = await ort.InferenceSession.create(join(folder, isRing ? `window-${n / 8}.onnx` : 'model.onnx'), session)
  const rows = isRing ? n / 8 : n
  let past = {}
  for (const { name, shape } of run.inputMetadata)
    if (name.startsWith('past'))
      past[name] = new ort.Tensor('float32', random(shape[1] * rows * shape[3]), [1, shape[1], rows, shape[3]])
  let total = n
  return async () => {
    total++
    const input_ids = new ort.Tensor('int64', BigInt64Array.of(BigInt(total % 1000)), [1, 1])
    const attention_mask = new ort.Tensor('int64', new BigInt64Array(total).fill(1n), [1, total])
    const fetches = isRing
      ? { logits: null, ...Object.fromEntries(Object.entries(past).map(([name, held]) => [presentOf(name), held])) }
      : undefined
    const out = await run.run({ input_ids, attention_mask, ...past }, ...(fetches ? [fetches] : []))
    if (isRing) return
    for (const tensor of Object.values(past)) tensor.dispose()
    past = Object.fromEntries(Object.keys(past).map((name) => [name, out[presentOf(name)]]))
  }
}

function presentOf(name) {
  return name.replace('past_key_values', 'present')
}

async function segmentSteps() {
  const { onnxModel } = await import('@sublinear/onnx')
  const { filesInFolder } = await import('@sublinear/onnx/node')
  const model = await onnxModel({ model: filesInFolder(join(folder, 'model.onnx')), ort, session })
  const streams = {
    exact: exactStream,
    window: (shape) => tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: n / 8 - 4 })] }),
    auto: (shape) => autoStream({ ...shape, budgetBytes: (4 * (shape.d + shape.dv) * n) / 8, tokens: n }),
  }
  const reader = model.reader({ stream: streams[kind] })
  const learns = kind === 'auto'
  for (const [layer, heads] of reader.streams.entries())
    for (const stream of heads)
      for (let at = 0; at < n; at += BLOCK) {
        const block = { keys: matrix(BLOCK, stream.d), values: matrix(BLOCK, stream.dv) }
        if (learns) stream.step(block, matrix(BLOCK * model.layers[layer].groups, stream.d))
        else stream.push(block)
      }
  let token = 0
  return () => reader.read([token++ % 1000], 'last')
}

function matrix(rows, cols) {
  return { rows, cols, data: random(rows * cols) }
}
