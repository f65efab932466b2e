// What the page does, apart from the page: a decoder in ONNX reads tokens through streams of a fixed size, and goes on by itself.
import { sinks, tiers, window } from '@sublinear/kv-cache'
import { filesInMemory, generate, onnxModel } from '@sublinear/onnx'

/** Four first tokens and the newest 60 of each head. */
const stream = (shape) => tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 60 })] })

/**
 * @param ort  onnxruntime-web; files: bytes by name, the graph's first; count: tokens to read; show: takes a line
 * @returns ids of the tokens that the model then says
 */
export async function readAndSay({ ort, files, count, show }) {
  const model = await onnxModel({ model: filesInMemory(files), ort, session: { logSeverityLevel: 3 } })
  show(`${model.layers.length} layers, ${model.vocabulary} tokens in the vocabulary`)
  const reader = model.reader({ stream })
  const ids = Array.from({ length: count }, (_, i) => (i * i) % Math.min(model.vocabulary, 48))
  const start = performance.now()
  await reader.read(ids, 'none')
  const rate = Math.round((1000 * count) / (performance.now() - start))
  show(`${reader.tokens} tokens read, ${rate} a second`)
  show(`${reader.bytes} bytes held, where a cache would hold ${reader.cacheBytes}`)
  const said = []
  for await (const { id } of generate(reader, { ids: [7], most: 8 })) said.push(id)
  show(`and goes on: ${said.join(' ')}`)
  await model.release()
  return said
}
