// Runs an attention model once by onnxruntime-node: `node onnxruntime.mjs n d model-in-base64`.
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { numbers } from './numbers.mjs'

const [n, d] = process.argv.slice(2, 4).map(Number)
const session = await InferenceSession.create(Buffer.from(process.argv[4], 'base64'), {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
})
const [query, key, value] = [1, 2, 3].map((seed) => new Tensor('float32', numbers(n * d, seed), [1, n, d]))
await session.run({ query, key, value })
