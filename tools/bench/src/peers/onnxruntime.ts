import type { PlainJob } from '../baselines/attention.ts'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { attentionModel } from './onnx-model.ts'

/** onnxruntime-node's MultiHeadAttention on one thread: resolves to a function that attends and returns the n × d answer. */
export async function onnxruntimeAttention(job: PlainJob): Promise<() => Promise<Float32Array>> {
  const session = await InferenceSession.create(attentionModel(job.scale, job.causal ?? false), {
    executionProviders: ['cpu'],
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  })
  const [query, key, value] = [job.queries, job.keys, job.values].map(
    ({ rows, cols, data }) => new Tensor('float32', data, [1, rows, cols]),
  )
  return async () => (await session.run({ query, key, value }))['output'].data as Float32Array
}
