// Four loud queries among 20,000 that ask nothing: what a sample of rows spread evenly never sees, and what every figure then is about.
// Kills: a check or an inspection of evenly spread rows alone, an error without its weight for rows that stand for others, a verdict of "as good as exact".
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeNpy, encodeNpy } from '@sublinear/io'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chance } from '../src/chance'

const bin = fileURLToPath(new URL('../bin/sublinear.mjs', import.meta.url))
const [n, d] = [20_000, 4]
const LOUD = [100, 5000, 7777, 12_345]
const normal = (draw: number, i: number) =>
  Math.sqrt(-2 * Math.log(chance(draw, i, 1))) * Math.cos(2 * Math.PI * chance(draw, i, 2))
const normals = (count: number, draw: number) => Float32Array.from({ length: count }, (_, i) => normal(draw, i))

const keys = normals(n * d, 1)
const mix = normals(d * d, 2)
const values = Float32Array.from({ length: n * d }, (_, at) => {
  const [row, c] = [Math.floor(at / d), at % d]
  return [0, 1, 2, 3].reduce((sum, i) => sum + keys[row * d + i] * mix[i * d + c], 0)
})
const queries = new Float32Array(n * d)
for (const row of LOUD) for (let c = 0; c < d; c++) queries[row * d + c] = 2 * normal(3, row * d + c)

let folder: string
const at = (name: string) => join(folder, name)
const files = () => ['--queries', at('q.npy'), '--keys', at('k.npy'), '--values', at('v.npy')]
const sublinear = (...args: string[]) => spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8' })

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sublinear-loud-'))
  for (const [name, data] of Object.entries({ q: queries, k: keys, v: values }))
    writeFileSync(at(`${name}.npy`), encodeNpy({ rows: n, cols: d, data }))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The answer of one row, in float64. */
function oracle(row: number): number[] {
  const scores = Array.from({ length: n }, (_, j) =>
    [0, 1, 2, 3].reduce((sum, c) => sum + (queries[row * d + c] * keys[j * d + c]) / Math.sqrt(d), 0),
  )
  const top = scores.reduce((a, b) => Math.max(a, b))
  const weights = scores.map((s) => Math.exp(s - top))
  const mass = weights.reduce((a, b) => a + b, 0)
  return [0, 1, 2, 3].map((c) => weights.reduce((sum, w, j) => sum + w * values[j * d + c], 0) / mass)
}

test('attend --check sees them, says of how many rows it speaks, and that the answers are of no use', () => {
  const out = at('o.npy')
  const args = ['attend', ...files(), '--out', out, '--full', '--check']
  const { status, stdout } = sublinear(...args)
  const found = JSON.parse(sublinear(...args, '--json').stdout)
  const got = decodeNpy(readFileSync(out)).data
  // Rows that ask nothing are answered by the mean of the values, exactly.
  const mean = [0, 1, 2, 3].map((c) => values.reduce((sum, x, i) => sum + (i % d === c ? x / n : 0), 0))
  let [distance, norm] = [0, 0]
  for (let row = 0; row < n; row++) {
    const exact = LOUD.includes(row) ? oracle(row) : mean
    exact.forEach((x, c) => {
      distance += (Number(got[row * d + c]) - x) ** 2
      norm += x * x
    })
  }
  const truth = Math.sqrt(distance / norm)
  expect(truth).toBeGreaterThan(0.3)
  expect(found.error / truth).toBeGreaterThan(0.99)
  expect(found.error / truth).toBeLessThan(1.01)
  expect(found.errorInterval[0]).toBeLessThanOrEqual(truth * 1.001)
  expect(found.errorInterval[1]).toBeGreaterThanOrEqual(truth * 0.999)
  expect(stdout).toMatch(/over 1024 of 20000 rows, the 256 with the largest queries among them/)
  expect(stdout).not.toContain('as good as exact')
  expect(status).toBe(found.error < Math.min(1, found.uniform) ? 0 : 3)
})

test('inspect reaches their scores', () => {
  const found = JSON.parse(sublinear('inspect', ...files(), '--json').stdout)
  let top = 0
  for (const row of LOUD)
    for (let j = 0; j <= row; j++)
      top = Math.max(
        top,
        [0, 1, 2, 3].reduce((sum, c) => sum + (queries[row * d + c] * keys[j * d + c]) / Math.sqrt(d), 0),
      )
  expect(found.scores[1]).toBeCloseTo(top, 4)
  expect(found.degree).not.toBe(0) // a degree within 10 % of them, or none in float32
  expect(found.unseenRadius).toBe(0)
  expect(found.columnTails['1/64']).toBeLessThan(0.6)
})
