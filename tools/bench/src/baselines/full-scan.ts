import { wordHash } from './count-sketch.ts'

const ROWS = 5

/** A CountSketch written in the plainest way: five rows of m/5 counters; it finds the largest entries by estimating every index. */
export function fullScan({ m, seed }: { readonly m: number; readonly seed: number }) {
  const width = Math.floor(m / ROWS)
  const hashes = Array.from({ length: ROWS }, (_, r) =>
    [1, 2, 3, 4].map((j) => ((seed + 7) * 1_000_003 * (r + 1) * (j + 11)) % (2 ** 31 - 1)),
  )
  /** Column of an index in a row, and a number that is odd or even for its sign. */
  const share = (row: number, index: number) => Math.floor((wordHash(hashes[row], index) / 2 ** 31) * 2 * width)
  return {
    add(counters: Float64Array, index: number, change: number): void {
      for (let r = 0; r < ROWS; r++) {
        const at = share(r, index)
        counters[r * width + (at >> 1)] += at % 2 === 0 ? change : -change
      }
    },
    top(counters: ArrayLike<number>, n: number, k: number): { index: number; value: number }[] {
      const five = new Float64Array(ROWS)
      let found: { index: number; value: number }[] = []
      let least = 0
      for (let index = 0; index < n; index++) {
        for (let r = 0; r < ROWS; r++) {
          const at = share(r, index)
          five[r] = at % 2 === 0 ? counters[r * width + (at >> 1)] : -counters[r * width + (at >> 1)]
        }
        const value = median(five)
        if (Math.abs(value) <= least) continue
        found.push({ index, value })
        if (found.length < 4 * k) continue
        found = largest(found, k)
        least = Math.abs(found[k - 1].value)
      }
      return largest(found, k)
    },
  }
}

const largest = (all: { index: number; value: number }[], k: number) =>
  all.toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, k)

function median(x: Float64Array): number {
  const [a, b, c, d, e] = x
  const low = Math.max(Math.min(a, b), Math.min(c, d))
  const high = Math.min(Math.max(a, b), Math.max(c, d))
  return Math.max(Math.min(low, high), Math.min(Math.max(low, high), e))
}
