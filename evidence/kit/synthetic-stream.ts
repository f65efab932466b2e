import { matrix, type Matrix } from '@sublinear/attention'
import { philox } from '@sublinear/core'

export interface SourceOptions {
  readonly d: number
  readonly dv: number
  /** Standard deviation of the scores scale·⟨q, k⟩. */
  readonly std: number
  /** Keys around this many centres; 0: one Gaussian. */
  readonly clusters: number
  readonly seed: number
  /** Entries of keys and queries beyond this many deviations are drawn in, so that scores are bounded. Default: none. */
  readonly most?: number
}

export interface Source {
  readonly scale: number
  /** Tokens first … first + count − 1: any part of the stream can be had again. */
  tokens(first: number, count: number): { readonly keys: Matrix; readonly values: Matrix }
  queries(count: number, first: number): Matrix
}

/** An endless stream, a function of the seed: Gaussian keys, values tanh of a random image of the key plus noise of deviation ½. */
export function syntheticStream({ d, dv, std, clusters, seed, most = Infinity }: SourceOptions): Source {
  const drawn = (x: number) => Math.min(most, Math.max(-most, x))
  const image = normals(d * dv, seed, 0, 1)
  const centres = normals(clusters * d, seed, 0, 2)
  const words = new Uint32Array(4)
  return {
    scale: std / Math.sqrt(d),
    tokens(first, count) {
      const [keys, values] = [matrix(count, d), matrix(count, dv)]
      const [z, noise] = [normals(count * d, seed, first * d, 3), normals(count * dv, seed, first * dv, 4)]
      for (let r = 0; r < count; r++) {
        let centre = 0
        if (clusters > 0) {
          philox(words, seed, 1, first + r, 5, 0, 0)
          centre = words[0] % clusters
        }
        for (let c = 0; c < d; c++) {
          const x = z[r * d + c]
          const mixed = clusters > 0 ? Math.sqrt(0.75) * centres[centre * d + c] + x / 2 : x
          keys.data[r * d + c] = drawn(mixed)
        }
        for (let v = 0; v < dv; v++) {
          let sum = 0
          for (let c = 0; c < d; c++) sum += image[v * d + c] * keys.data[r * d + c]
          values.data[r * dv + v] = Math.tanh(sum / Math.sqrt(d)) + noise[r * dv + v] / 2
        }
      }
      return { keys, values }
    },
    queries(count, first) {
      const out = matrix(count, d)
      for (const [i, x] of normals(count * d, seed, first * d, 6).entries()) out.data[i] = drawn(x)
      return out
    },
  }
}

/** Numbers first … first + count − 1 of a lane, independent standard normal; four a Philox block. */
function normals(count: number, seed: number, first: number, lane: number): Float64Array {
  const out = new Float64Array(count)
  const words = new Uint32Array(4)
  let at = -1
  for (let i = 0; i < count; i++) {
    const block = Math.floor((first + i) / 4)
    if (block !== at) philox(words, seed, 0, block, lane, 0, 0)
    at = block
    const [a, b] = [words[(first + i) & 2], words[((first + i) & 2) + 1]]
    const length = Math.sqrt(-2 * Math.log((a + 0.5) / 2 ** 32))
    const angle = (2 * Math.PI * b) / 2 ** 32
    out[i] = (first + i) & 1 ? length * Math.sin(angle) : length * Math.cos(angle)
  }
  return out
}
