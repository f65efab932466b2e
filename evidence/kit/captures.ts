import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { decodeNpy } from '@sublinear/io'
import type { Matrix } from '@sublinear/attention'

/** Queries, keys and values of one captured head. */
export interface Head {
  /** layer.head, as counted in the files. */
  readonly name: string
  readonly queries: Matrix // n × d
  readonly keys: Matrix // n × d
  readonly values: Matrix // n × dv
}

/** All heads of three .npy files of shape [layers, heads, n, width]. */
export function readHeads(paths: { readonly q: string; readonly k: string; readonly v: string }): Head[] {
  const [q, k, v] = [paths.q, paths.k, paths.v].map((path) => decodeNpy(readFileSync(path)))
  const [layers, heads, n] = q.shape
  if (q.shape.length !== 4 || layers === undefined || heads === undefined || n === undefined)
    throw new RangeError(`captures: ${paths.q} must have the shape [layers, heads, n, width], got [${q.shape}]`)
  const matrixOf = ({ shape, data }: ReturnType<typeof decodeNpy>, index: number): Matrix => {
    const cols = shape[3]
    return {
      rows: n,
      cols,
      data: Float32Array.from(data.subarray(index * n * cols, (index + 1) * n * cols) as Float32Array),
    }
  }
  return Array.from({ length: layers * heads }, (_, i) => ({
    name: `${Math.floor(i / heads)}.${i % heads}`,
    queries: matrixOf(q, i),
    keys: matrixOf(k, i),
    values: matrixOf(v, i),
  }))
}

/** The files of a model in the sample that the command-line tool ships: layers 0 and 2, two heads each. */
export function sample(model: 'sharp' | 'bounded') {
  const path = (part: string) => fileURLToPath(new URL(`../../apps/cli/data/${model}-${part}.npy`, import.meta.url))
  return { q: path('q'), k: path('k'), v: path('v') }
}

/** Models and their heads: from groups of four arguments, name q.npy k.npy v.npy, or of the sample where there are none. */
export function capturesOf(args: readonly string[]): { readonly name: string; readonly heads: readonly Head[] }[] {
  if (args.length === 0)
    return (['bounded', 'sharp'] as const).map((name) => ({ name, heads: readHeads(sample(name)) }))
  if (args.length % 4 !== 0) throw new RangeError('captures: arguments must be groups of name q.npy k.npy v.npy')
  return Array.from({ length: args.length / 4 }, (_, i) => {
    const [name, q, k, v] = args.slice(4 * i, 4 * i + 4) as [string, string, string, string]
    return { name, heads: readHeads({ q, k, v }) }
  })
}
