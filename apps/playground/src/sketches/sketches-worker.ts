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
}
export type SketchesApi = typeof api

expose(api)
