import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { amsSketch } from '@sublinear/ams-sketch'
import { innerProduct, philox, sketch, type Sketch, type SketchMatrix } from '@sublinear/core'
import { fourWiseSigns, hashKey, keyHash, polynomialHash } from '@sublinear/hash-families'
import { heavyHitters } from '@sublinear/sparse-recovery'
import { countSketch } from '@sublinear/sparse-sketch'
import { describe, expect, it } from 'vitest'

// Another language reads snapshots and estimates the same numbers; the vectors of docs/format.md are those of the library. Kills: a hash, a sign, a
// stream's number or the layout of counters changed without its page; changes that are still held left out by the reader.

const root = fileURLToPath(new URL('../../..', import.meta.url))
const reader = join(root, 'docs/read_sketch.py')
const hasPython = spawnSync('python3', ['-c', 'import numpy, sys; sys.exit(sys.version_info < (3, 10))']).status === 0

function read(bytes: Uint8Array, indices: readonly number[]): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'sublinear-'))
  try {
    writeFileSync(join(folder, 'snapshot'), bytes)
    const printed = execFileSync('python3', [reader, join(folder, 'snapshot'), ...indices.map(String)])
    return printed.toString().trim().split('\n').map(Number)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The estimate of an entry: the sketch times its column. */
function entry(state: Sketch, matrix: SketchMatrix, index: number): number {
  const one = sketch(matrix, 1)
  one.update(index, 1)
  return innerProduct(state, one).data[0]
}

const indices = [0, 1, 7, 63, 64, 1000, 99_999]

describe.runIf(hasPython)('read_sketch.py', () => {
  it.each([
    ['countSketch', countSketch({ m: 300, seed: 2n ** 63n + 5n })],
    ['amsSketch', amsSketch({ m: 100, seed: 3 })],
  ])('estimates from %s what the library does, rows that are still held too', (_, matrix) => {
    const state = sketch(matrix, 1)
    for (let i = 0; i < 200; i++) state.update((i * 7919) % 100_000, i % 9)
    state.push({ rows: 70, cols: 1, data: Float32Array.from({ length: 70 }, (_, i) => i) }, 0)
    const got = read(state.toBytes(), indices)
    for (const [i, index] of indices.entries()) {
      const wanted = entry(state, matrix, index)
      expect(Math.abs(got[i] - wanted)).toBeLessThan(1e-5 * Math.abs(wanted) + 1e-4)
    }
  })

  it.each([
    { n: 100_000, k: 8, epsilon: 0.5, seed: 1 },
    { n: 2 ** 32, k: 3, epsilon: 0.3, seed: 2n ** 64n - 1n },
    { n: 2 ** 20, k: 64, epsilon: 1, seed: 9 },
    { n: 100_003, k: 20, epsilon: 0.07, seed: 9 },
  ])('estimates from heavyHitters exactly what the library does: %o', (options) => {
    const stream = heavyHitters(options)
    for (let i = 0; i < 1000; i++) stream.update((i * 7919) % 100_000, (i % 19) - 5)
    stream.update('user-1', 1000)
    const all = [...indices, stream.indexOf('user-1')]
    expect(read(stream.toBytes(), all)).toEqual(all.map((index) => stream.estimate(index)))
  })
})

describe('the vectors of docs/format.md', () => {
  const page = readFileSync(join(root, 'docs/format.md'), 'utf8')
  const signs = fourWiseSigns({ count: 40, seed: 7 })
  const vectors: Record<string, () => string> = {
    'philox(7; 1, 2, 3, 4)': () => philoxOf(1, 2, 3, 4),
    'polynomial(7, 5, 12)': () =>
      hex(polynomialHash({ independence: 4, seed: 7, prime: '2^61-1', stream: 5 }).value(12)),
    'polynomial(7, 5, 2^53 - 1)': () =>
      hex(polynomialHash({ independence: 4, seed: 7, prime: '2^61-1', stream: 5 }).value(2 ** 53 - 1)),
    'hashKey("user-1", 7)': () => hex(hashKey('user-1', 7)),
    'hashKey(97n, 7)': () => hex(hashKey(97n, 7)),
    'index("user-1", 1000), seed 7': () => String(keyHash({ seed: 7 }).index('user-1', 1000)),
    'signs(7), rows 0 … 39, index 123456': () =>
      Array.from({ length: 40 }, (_, r) => (signs.sign(r, 123_456) > 0 ? '+' : '-')).join(''),
    'countSketch(m 300, seed 7), index 12': () => nonzero(countSketch({ m: 300, seed: 7 }), 12),
  }
  it.each(Object.entries(vectors))('%s', (name, value) => {
    const line = page.split('\n').find((one) => one.startsWith(`| \`${name}\` |`))
    expect(line).toBe(`| \`${name}\` | \`${value()}\` |`)
  })
})

function hex(x: number | bigint): string {
  return x.toString(16)
}

function nonzero(matrix: SketchMatrix, index: number): string {
  const one = sketch(matrix, 1)
  one.update(index, 1)
  const { data } = one.state
  const row = data.findIndex((x) => x !== 0)
  return `row ${row}, ${data[row] > 0 ? '+' : '-'}`
}

function philoxOf(...c: [number, number, number, number]): string {
  const out = new Uint32Array(4)
  philox(out, 7, 0, ...c)
  return Array.from(out, hex).join(' ')
}
