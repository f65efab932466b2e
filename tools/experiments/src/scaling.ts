/**
 * `pnpm --filter @sublinear/experiments run scaling`: what summaries of large models' heads would take, by calculation from the sizes that the
 * packages publish. Nothing is run. Writes results/scaling.json.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { closureStream, degreeFor, featureDimension, recoveryRows } from '@sublinear/attention'

/** Shapes of common decoders: layers, heads that keep keys and values, and their width. */
const MODELS = {
  'this repository, 4 layers': { layers: 4, kvHeads: 4, d: 32 },
  '8 billion parameters, grouped': { layers: 32, kvHeads: 8, d: 128 },
  '32 billion parameters, grouped': { layers: 64, kvHeads: 8, d: 128 },
  '7 billion parameters, all heads': { layers: 32, kvHeads: 32, d: 128 },
} as const

const LENGTHS = [131_072, 1_000_000, 10_000_000]

export interface Scaling {
  readonly model: string
  readonly d: number
  /** Bytes of the whole model's float16 cache, by tokens. */
  readonly cache: Readonly<Record<string, number>>
  /** Bytes of one summary a kv-head, all heads together, and the tokens from which on that is less than a float16 cache. */
  readonly closure: { readonly bytes: number; readonly from: number }
  readonly farKeys1024AndClosure: { readonly bytes: number; readonly from: number }
  readonly degree2: { readonly bytes: number; readonly from: number }
  /** Features that a certified relative error of 0.1 takes where centred scores stay within R. */
  readonly certified: Readonly<Record<string, { readonly degree: number; readonly t: number | null }>>
  /** Rows of Φ for the 64 largest outputs of a column at the longest length, and bytes of ΦD⁻¹U₁ at degree 2, a head. */
  readonly columns: { readonly m: number; readonly bytes: number }
}

export function scaling(): Scaling[] {
  return Object.entries(MODELS).map(([model, { layers, kvHeads, d }]) => {
    const heads = layers * kvHeads
    const token = 4 * d // a key and a value in float16
    const sized = (bytes: number) => ({ bytes: bytes * heads, from: Math.ceil(bytes / token) })
    const stream = closureStream({ d, dv: d, scale: 1 / Math.sqrt(d) })
    const closure = stream.bytes
    stream[Symbol.dispose]()
    const t = featureDimension(d, 2)
    const m = recoveryRows({ n: LENGTHS.at(-1)!, k: 64, epsilon: 0.5 })
    return {
      model,
      d,
      cache: Object.fromEntries(LENGTHS.map((n) => [n, n * token * heads])),
      closure: sized(closure),
      farKeys1024AndClosure: sized(closure + 1024 * 4 * (2 * d + 2)),
      degree2: sized(4 * t * d + 8 * t),
      certified: Object.fromEntries(
        [1, 4, 8].map((radius) => {
          const degree = degreeFor({ radius, epsilon: 0.1, kind: 'minimax' })
          const size = sizeOf(d, degree)
          return [`R = ${radius}`, { degree, t: size }]
        }),
      ),
      columns: { m, bytes: 4 * m * t },
    }
  })
}

/** null where there are more than 2^53 monomials. */
function sizeOf(d: number, degree: number): number | null {
  try {
    return featureDimension(d, degree)
  } catch {
    return null
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = scaling()
  writeFileSync(new URL('../results/scaling.json', import.meta.url), `${JSON.stringify(result, undefined, 1)}\n`)
  console.log(JSON.stringify(result, undefined, 1))
}
