// A sketch of your own in the pipeline: a function that fills columns is all of it. `node examples/new-sketch.ts`
import { denseSketchMatrix, philox } from '@sublinear/core'
import { matrix, normalise, onePass, taylorFeatures } from '@sublinear/attention'

/** Entries 0, +√(3/m) or −√(3/m) with odds 4 : 1 : 1 (Achlioptas 2003): a third of the work of signs, the same variance. */
const sparseSigns = ({ m, seed }: { m: number; seed: number }) => {
  const words = new Uint32Array(4)
  return denseSketchMatrix({
    kind: 'sparse-signs',
    m,
    seed,
    columns(first, count, out) {
      for (let r = 0; r < m; r++) {
        for (let c = 0; c < count; c++) {
          philox(words, seed, 0, (first + c) % 2 ** 32, Math.floor((first + c) / 2 ** 32), r, 0)
          const die = words[0] % 6
          out[r * count + c] = die > 1 ? 0 : (die === 0 ? 1 : -1) * Math.sqrt(3 / m)
        }
      }
    },
  })
}

const stream = onePass({
  features: taylorFeatures({ d: 1, degree: 6, scale: 1 }),
  dv: 1,
  psi: sparseSigns({ m: 512, seed: 1 }),
})
const keys = matrix(
  1000,
  1,
  Float32Array.from({ length: 1000 }, (_, i) => (i % 2) * 2 - 1),
)
stream.pushKeys(keys)
stream.pushValues(keys)
const answer = normalise(stream.attend(matrix(1, 1, Float32Array.of(1))))
console.log(answer.data[0].toFixed(1), Math.tanh(1).toFixed(1)) // 0.7 0.8
