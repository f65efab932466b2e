import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { PlainJob } from '../baselines/attention.ts'
import * as tf from '@tensorflow/tfjs-core'
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm'

/** How the keys reach the product: transposed first, which leads to the fast product of tfjs-wasm, or by the option transposeB of matMul. */
export type KeyForm = 'transposed' | 'flag'

let ready: Promise<void> | undefined

async function start(): Promise<void> {
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')
  setWasmPaths(join(dirname(main), '/'))
  setThreadsCount(1)
  await tf.setBackend('wasm')
  await tf.ready()
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))) throw new Error('tfjs-wasm runs without SIMD here')
}

/** Attention by tfjs-wasm on one thread with SIMD: matMul, softmax, matMul; where it is causal a mask is added that was made beforehand. */
export async function tfjsAttention(job: PlainJob, form: KeyForm): Promise<() => Float32Array> {
  await (ready ??= start())
  const [queries, keys, values] = [job.queries, job.keys, job.values].map(({ rows, cols, data }) =>
    tf.tensor2d(data, [rows, cols]),
  )
  const mask = job.causal ? causalMask(job.keys.rows) : undefined
  return () => {
    const answer = tf.tidy(() => {
      const scaled = tf.mul(queries, job.scale)
      const scores = form === 'flag' ? tf.matMul(scaled, keys, false, true) : tf.matMul(scaled, tf.transpose(keys))
      return tf.matMul(tf.softmax(mask ? tf.add(scores, mask) : scores), values)
    })
    const data = answer.dataSync<'float32'>()
    answer.dispose()
    return data
  }
}

function causalMask(n: number): tf.Tensor2D {
  const data = new Float32Array(n * n)
  for (let i = 0; i < n; i++) data.fill(-1e9, i * n + i + 1, (i + 1) * n)
  return tf.tensor2d(data, [n, n])
}
