// How codes of rows are guessed, and what guesses are learnt. The truth is what went in, the entropy of normal numbers, and a linear function that is known.
// Kills: a guess of the reader that is not the writer's, links that read a later coordinate, means that stay where rows drift, means that follow where they only shake,
// links that are kept though they save less than they take, a power of two left out, rows of a sample taken for all.
import { describe, expect, test } from 'vitest'
import { learntGuesses, missedBy } from '../src/learnt-guesses'
import { MOST_CODE, rowCoder } from '../src/row-coder'
import { rowPool } from '../src/row-pool'

function normals(seed: number) {
  let state = seed >>> 0
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
  return () => Array.from({ length: 12 }, next).reduce((a, b) => a + b, -6)
}
const clipped = (x: number) => Math.max(-MOST_CODE, Math.min(MOST_CODE, Math.round(x)))
/** Rows of four codes: two of their own of different sizes, then 3 times the first less a 50th of the second, then a sum, each with a little noise. */
function linked(rows: number, seed: number, size = 40): Int32Array {
  const next = normals(seed)
  return Int32Array.from(
    Array.from({ length: rows }, () => {
      const [a, b] = [size * next(), 50 * size * next()]
      const c = 0.8 * a - b / 50 + 0.02 * size * next()
      return [a, b, c, 0.5 * c + a + 0.02 * size * next()].map(clipped)
    }).flat(),
  )
}
/** Entropy of rounded normal numbers. */
const bits = (spread: number) => 0.5 * Math.log2(2 * Math.PI * Math.E * spread ** 2)
const linksIn = (codes: Int32Array, rows: number, standing?: number) =>
  learntGuesses(codes, rows, 4, standing).links.map((own) => own !== undefined)

describe('guesses that were learnt', () => {
  test('a linear function of earlier coordinates is found, and leaves what it does not explain', () => {
    const codes = linked(512, 1)
    const by = learntGuesses(codes, 512, 4)
    expect(by.links.map((own) => own !== undefined)).toEqual([false, false, true, true])
    const [, , c, d] = missedBy(codes, 512, by).map((sum) => sum / 512)
    // Mean size of the noise 0.8 · 0.8; links are rounded to 1/64 of the sizes, which are up to twice their powers of two.
    expect(c).toBeLessThan(3)
    expect(d).toBeLessThan(3)
  })

  test('coordinates of their own have no links, since these would take more than they save', () => {
    const next = normals(5)
    const codes = Int32Array.from({ length: 4 * 512 }, () => clipped(30 * next()))
    expect(linksIn(codes, 512)).toEqual([false, false, false, false])
  })

  test('a link pays sooner where rows stand for many', () => {
    const next = normals(7)
    // A correlation of 0.3 saves 0.07 bits a row: 3.9 of 8 bits in 64 rows, 250 in 4096.
    const codes = Int32Array.from(
      Array.from({ length: 128 }, () => {
        const [a, b] = [next(), next()]
        return [a, a * 0.3 + b].map((x) => clipped(60 * x))
      }).flat(),
    )
    const has = (standing: number) => learntGuesses(codes, 128, 2, standing).links[1] !== undefined
    expect([has(64), has(4096)]).toEqual([false, true])
  })

  test('a mean follows rows that drift, and stays where they only shake', () => {
    const next = normals(9)
    const codes = Int32Array.from(
      Array.from({ length: 640 }, (_, r) => [clipped(800 * Math.sin(r / 40) + next()), clipped(20 * next())]).flat(),
    )
    const { follow } = learntGuesses(codes, 640, 2)
    expect(follow[0]).toBeGreaterThan(0)
    expect(follow[1]).toBe(0)
  })

  test('fewer rows than a block teach nothing', () => {
    const { follow, links } = learntGuesses(linked(63, 3), 63, 4)
    expect([...follow]).toEqual([3, 3, 3, 3])
    expect(links.some(Boolean)).toBe(false)
  })
})

test('what is read is what was written, with links whose guesses leave the range', () => {
  for (const size of [1, 40, 1200, 30_000]) {
    const codes = linked(64, size, size)
    const by = { ...learntGuesses(linked(512, size + 1, size), 512, 4), size: new Uint32Array(4).fill(64) }
    const coder = rowCoder(4)
    const bytes = coder.encode(codes, 64, by)
    const out = new Int32Array(codes.length)
    expect(coder.decode(bytes, 64, by, out, 0)).toBe(true)
    expect(out).toEqual(codes)
  }
})

test('a pool that has learnt takes the entropy of what is new in a row, its links counted', () => {
  const [rows, room] = [2048, 1 << 20]
  const codes = linked(rows, 11)
  const pool = rowPool({ width: 4, room })
  pool.append(codes, rows, 0)
  const before = pool.used
  pool.replace(codes, rows)
  expect(pool.read()).toEqual(codes)
  // Spreads 40, 2000, and twice 0.8 of noise with 0.3 for rounding.
  const ideal = (rows * (bits(40) + bits(2000) + 2 * bits(0.87))) / 8
  expect(pool.used).toBeGreaterThan(0.98 * ideal)
  expect(pool.used).toBeLessThan(1.13 * ideal)
  expect(pool.used).toBeLessThan(0.8 * before)
  const again = rowPool({ width: 4, room })
  again.restore('pool', pool.saved())
  expect(again.read()).toEqual(codes)
  expect(again.used).toBe(pool.used)
})
