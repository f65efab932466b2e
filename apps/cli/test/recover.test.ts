// `sublinear recover` as a user runs it: the rows that a float64 softmax says are largest, by their distance from the mean of V. Kills: the mean
// not taken off (ordinary rows then drown the large ones), a row number off by one, values paired with other keys, a scale left out.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeNpy } from '@sublinear/io'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const bin = fileURLToPath(new URL('../bin/sublinear.mjs', import.meta.url))
let folder: string
const at = (name: string) => join(folder, name)
const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'recover', ...args], { encoding: 'utf8' })
  return { code: status, stdout, stderr }
}

const [n, queryCount, d] = [3000, 20_000, 2]
const large = [5, 1024, 9999, 19_999]
/** Numbers in [−1, 1] from a fixed linear congruence. */
const numbers = (count: number, seed: number) => {
  let x = seed >>> 0
  return Float32Array.from({ length: count }, () => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1)
}
const keys = numbers(n * d, 1)
const values = Float32Array.from({ length: n * d }, (_, i) => 3 + Math.tanh(2 * keys[i]))
const queries = numbers(queryCount * d, 2).map((x) => x / 10_000)
for (const [i, row] of large.entries()) queries.set([1 + i / 4, i % 2 === 0 ? -1 : 1], row * d)

/** softmax(q·K)V in float64, less the mean of V. */
const deviation = (row: number, column: number) => {
  let [mass, sum, mean] = [0, 0, 0]
  for (let j = 0; j < n; j++) {
    const w = Math.exp(queries[row * d] * keys[j * d] + queries[row * d + 1] * keys[j * d + 1])
    mass += w
    sum += w * values[j * d + column]
    mean += values[j * d + column] / n
  }
  return { value: sum / mass, mean }
}

/** The length of a row's output less the mean of V. */
const length = (row: number) =>
  Math.hypot(...[0, 1].map((column) => deviation(row, column).value - deviation(row, column).mean))

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sublinear-recover-'))
  writeFileSync(at('q.npy'), encodeNpy({ rows: queryCount, cols: d, data: queries }))
  writeFileSync(at('k.npy'), encodeNpy({ rows: n, cols: d, data: keys }))
  writeFileSync(at('v.npy'), encodeNpy({ rows: n, cols: d, data: values }))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const files = () => ['--queries', at('q.npy'), '--keys', at('k.npy'), '--values', at('v.npy')]
const options = ['--rows', '4', '--degree', '6', '--scale', '1']

describe('sublinear recover', () => {
  test('finds the queries with the largest outputs in every column, and what they are', () => {
    const { code, stdout, stderr } = run(...files(), ...options, '--json')
    expect([code, stderr]).toEqual([0, ''])
    const { columns, bytes, storedBytes, fallbacks, energyFound, largest } = JSON.parse(stdout)
    expect(columns.length).toBe(d)
    for (const { column, mean, rows } of columns) {
      expect(rows.map(({ row }: { row: number }) => row).toSorted((a: number, b: number) => a - b)).toEqual(large)
      for (const { row, value, deviation: off, estimate } of rows) {
        const truth = deviation(row, column)
        expect(Math.abs(value - truth.value)).toBeLessThan(1e-5)
        expect(Math.abs(off - (truth.value - truth.mean))).toBeLessThan(1e-5)
        expect(Math.abs(estimate - off)).toBeLessThan(0.01)
        expect(Math.abs(mean - truth.mean)).toBeLessThan(1e-5)
      }
    }
    expect(storedBytes).toBe(4 * (queryCount * d + 2 * n * d))
    expect([bytes > 0, fallbacks]).toEqual([true, 0])
    expect(largest.map(({ row }: { row: number }) => row)).toEqual(large.toSorted((a, b) => length(b) - length(a)))
    expect(largest[0].length).toBeCloseTo(Math.max(...large.map(length)), 5)
    // All other queries are shorter than 2e-4: 20,000 of them carry next to nothing.
    expect(energyFound).toBeGreaterThan(0.999)
  })

  test('ends with 3 where columns are not sparse, and says so', () => {
    const name = at('dense.npy')
    writeFileSync(name, encodeNpy({ rows: queryCount, cols: d, data: numbers(queryCount * d, 7) }))
    const args = ['--queries', name, ...files().slice(2), ...options]
    const { code, stdout } = run(...args)
    expect(code).toBe(3)
    expect(stdout).toContain('columns are not sparse')
    expect(stdout).toMatch(/estimated from 512 of 20000 queries/)
    expect(JSON.parse(run(...args, '--json').stdout).energyFound).toBeLessThan(0.05)
  })

  test('prints a table and what it held', () => {
    const { code, stdout } = run(...files(), ...options)
    expect(code).toBe(0)
    expect(stdout).toMatch(/column\s+row\s+output\s+minus the mean\s+estimate of that/)
    expect(stdout).toMatch(/\n\s*0\s+19999\s+\d\.\d+/)
    expect(stdout).toMatch(/held .* queries, keys and values are 208 kB/)
  })

  test('bad input ends with 2, wrong usage with 1', () => {
    expect(run(...files().slice(0, 4), '--values', at('q.npy'))).toMatchObject({
      code: 2,
      stderr: 'sublinear: keys have 3000 rows, values 20000\n',
    })
    expect(run(...files(), '--epsilon', '0').code).toBe(1)
    expect(run('--queries', at('q.npy')).code).toBe(1)
  })
})
