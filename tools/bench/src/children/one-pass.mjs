// Runs Algorithm 1 over a stream that is held nowhere: `node one-pass.mjs n`. Prints the CPU time of its three passes and of decoding.
import { taylorFeatures } from '@sublinear/poly-features'
import { sparseRecovery } from '@sublinear/sparse-recovery'
import { osnap } from '@sublinear/sparse-sketch'
import { onePass } from '@sublinear/streaming-attention'
import { numbers } from './numbers.mjs'

const n = Number(process.argv[2])
const d = 4
const block = numbers(4096 * d, 1)
const features = taylorFeatures({ d, degree: 4, scale: 1 / d })
const phi = sparseRecovery({ n, k: 16, epsilon: 0.5, seed: 2 })
const stream = onePass({ features, dv: d, psi: osnap({ m: 1024, nonzeros: 8, seed: 1 }), phi })
const start = process.cpuUsage()
for (const push of [stream.pushValues, stream.pushKeys, stream.pushQueries]) {
  for (let at = 0; at < n; at += 4096) {
    const rows = Math.min(4096, n - at)
    push({ rows, cols: d, data: block.subarray(0, rows * d) })
  }
}
stream.columns()
const { user, system } = process.cpuUsage(start)
console.log(JSON.stringify({ milliseconds: (user + system) / 1000, bytes: stream.bytes }))
