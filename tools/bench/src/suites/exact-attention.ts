import { exactAttention } from '@sublinear/exact-attention'
import { scalarAttention, type PlainJob } from '../baselines/attention.ts'
import { childScript, runNode } from '../child.ts'
import { mlMatrixAttention } from '../peers/ml-matrix.ts'
import { onnxruntimeAttention } from '../peers/onnxruntime.ts'
import { tfjsAttention, type KeyForm } from '../peers/tfjs.ts'
import { peak, PEAK } from '../peak.ts'
import { normalMatrix } from '../random.ts'
import { timed, type Case, type Group, type Suite } from '../suite.ts'

const D = 64
const WIDE = 128
/** Greatest difference that a peer's answer may have from this package's before anything is timed. */
const AGREEMENT = 1e-4

export const ORT = 'onnxruntime-node MultiHeadAttention'
export const TFJS = 'tfjs-wasm, keys transposed first'
export const TFJS_FLAG = 'tfjs-wasm, transposeB flag'
const ML_MATRIX = 'ml-matrix, float64'
const PLAIN = 'plain JS'
export const OURS = '@sublinear/exact-attention'

export const suite: Suite = {
  name: 'exact-attention',
  rounds: 9,
  groups: () => [
    attentionGroup(2048, false, [ort, tfjs('transposed'), tfjs('flag'), mlMatrix, plain]),
    attentionGroup(4096, false, [ort, tfjs('transposed'), tfjs('flag')]),
    attentionGroup(8192, false, [ort, tfjs('transposed')]),
    attentionGroup(2048, true, [ort, tfjs('transposed'), plain]),
    attentionGroup(4096, true, [ort, tfjs('transposed')]),
    attentionGroup(8192, true, [ort]),
    attentionGroup(2048, false, [ort, tfjs('transposed')], WIDE),
    attentionGroup(2048, true, [ort, tfjs('transposed')], WIDE),
    coldGroup(8192),
  ],
}

type Peer = (job: PlainJob) => Case

export function jobOf(n: number, causal: boolean, d = D): PlainJob {
  const [queries, keys, values] = [1, 2, 3].map((seed) => normalMatrix(n, d, seed))
  return { queries, keys, values, scale: 1 / Math.sqrt(d), causal }
}

function attentionGroup(n: number, causal: boolean, peers: readonly Peer[], d = D): Group {
  const job = jobOf(n, causal, d)
  const others = peers.map((peer) => peer(job))
  const operations = (causal ? 2 : 4) * n * n * d // of the visible half, though a peer may compute both
  return {
    name: `${d === D ? '' : `d = ${d}, `}${causal ? 'causal' : 'full'}, n = ${n}`, // targets of d = 64 take every group that begins as they say
    unit: { name: 'ms' },
    cases: [
      peak(),
      ...others.map((other) => ({ ...other, operations })),
      {
        name: OURS,
        operations,
        against: [PEAK, ...others.map(({ name }) => name)],
        setup: () => ({ run: () => exactAttention(job) }),
      },
    ],
  }
}

const ort: Peer = (job) => ({ name: ORT, setup: () => agreeing(ORT, job, onnxruntimeAttention(job)) })

const mlMatrix: Peer = (job) => ({
  name: ML_MATRIX,
  setup: () => agreeing(ML_MATRIX, job, Promise.resolve(mlMatrixAttention(job))),
})

const plain: Peer = (job) => timed(PLAIN, () => scalarAttention(job))

function tfjs(form: KeyForm): Peer {
  const name = form === 'flag' ? TFJS_FLAG : TFJS
  return (job) => ({ name, setup: () => agreeing(name, job, tfjsAttention(job, form)) })
}

/** The run of a peer, once its answer has been compared with this package's. */
async function agreeing(
  name: string,
  job: PlainJob,
  peer: Promise<() => Float32Array | Promise<Float32Array>>,
): Promise<{ run: () => unknown }> {
  const run = await peer
  const theirs = await run()
  const ours = exactAttention(job).data
  const worst = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0)
  if (!(worst <= AGREEMENT)) throw new Error(`${name} differs from ours by ${worst} at n = ${job.keys.rows}`)
  return { run }
}

/** First call of a fresh process, WASM compilation included, against the median of five later calls of the same process. */
function coldGroup(n: number): Group {
  let times = { cold: 0, warm: 0 }
  return {
    name: `cold and warm, causal, n = ${n}`,
    unit: { name: 'ms' },
    cases: [
      {
        name: 'first call of a process',
        setup: () => ({
          measure: () => {
            times = runNode([childScript('cold-attention'), String(n), String(D)]) as typeof times
            return times.cold
          },
        }),
      },
      {
        name: 'later calls',
        against: ['first call of a process'],
        setup: () => ({ measure: () => times.warm }),
      },
    ],
  }
}
