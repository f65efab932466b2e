import { amsRows, amsSketch } from '@sublinear/ams-sketch'
import { sketch } from '@sublinear/core'
import { frequentItems, heavyHitters } from '@sublinear/sparse-recovery'
import { expose } from 'comlink'

/** A key with its count by the sketch, and its true count. */
export interface Counted {
  readonly key: string
  readonly lower: number
  readonly upper: number
  readonly truth: number
}

export interface CountReport {
  readonly lines: number
  readonly different: number
  readonly sketched: { readonly bytes: number; readonly top: readonly Counted[] }
  readonly frequent: { readonly bytes: number; readonly top: readonly Counted[] }
  /** Bytes of the keys alone, and a number for each: the least that an exact table can hold. */
  readonly exactBytes: number
}

/** Number of times that a lemma's inequality failed. */
export interface LemmaReport {
  readonly rows: number
  readonly trials: number
  readonly failures: number
}

const K = 8
const EPSILON = 0.5

const api = {
  /** Counts the lines of a text three ways: by two sketches and exactly. */
  count(text: string): CountReport {
    const lines = text.split('\n').filter((line) => line !== '')
    const truth = new Map<string, number>()
    const signed = heavyHitters({ n: 2 ** 32, k: K, epsilon: EPSILON, seed: 1 })
    const items = frequentItems({ count: 64 })
    for (const line of lines) {
      truth.set(line, (truth.get(line) ?? 0) + 1)
      signed.update(line)
      items.update(line)
    }
    const counted = ({ key, lower, upper }: { key?: unknown; lower: number; upper: number }): Counted => ({
      key: String(key),
      lower,
      upper,
      truth: truth.get(String(key)) ?? 0,
    })
    let exactBytes = 0
    for (const key of truth.keys()) exactBytes += key.length + 8
    return {
      lines: lines.length,
      different: truth.size,
      sketched: { bytes: signed.bytes, top: signed.top(K).map(counted) },
      frequent: { bytes: items.bytes, top: items.top(K).map(counted) },
      exactBytes,
    }
  },
  /**
   * Counts, over fresh matrices one after the other, how often the estimate of ⟨u, v⟩ was off by more than ε·|u|·|v|; u and v have 64 entries and stay the same.
   *
   * @param share  number of rows, as a share of those that Lemma 3.5 needs
   */
  lemma({ epsilon, delta, share, trials, first }: LemmaOptions): LemmaReport {
    const rows = Math.max(1, Math.round(share * amsRows({ epsilon, delta })))
    const [u, v] = [vector(1), vector(2)]
    const exact = dot(u, v)
    const most = epsilon * Math.sqrt(dot(u, u) * dot(v, v))
    let failures = 0
    for (let seed = first; seed < first + trials; seed++) {
      const psi = amsSketch({ m: rows, seed })
      const both = sketch(psi, 2)
      both.push({
        rows: u.length,
        cols: 2,
        data: Float32Array.from({ length: 2 * u.length }, (_, i) => (i % 2 ? v : u)[i >> 1]),
      })
      const { data } = both.state
      let product = 0
      for (let r = 0; r < rows; r++) product += data[2 * r] * data[2 * r + 1]
      if (Math.abs(product - exact) > most) failures++
      both[Symbol.dispose]()
    }
    return { rows, trials, failures }
  },
}
export type SketchesApi = typeof api

export interface LemmaOptions {
  readonly epsilon: number
  readonly delta: number
  readonly share: number
  readonly trials: number
  readonly first: number
}

function vector(seed: number): Float64Array {
  return Float64Array.from({ length: 64 }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233))
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i], 0)
}

expose(api)
