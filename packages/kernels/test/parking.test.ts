// Memory that nobody holds, in one synchronous task: no finalizer runs in it. Kills: arrays reclaimed that are still in use, contents lost on the way out or
// back, ranges that keep nothing alive, an operand moved while a kernel runs, views taken before memory grew, memory that grows with every array dropped.
import { expect, it } from 'vitest'
import { simdKernels } from './all-kernels'

const MIB = 2 ** 18 // numbers
const { floats, product } = simdKernels()

const numbers = (count: number, salt: number) => Float32Array.from({ length: count }, (_, i) => (i * 7 + salt) % 251)

it('holds what is in use while thousands of arrays are dropped', () => {
  const kept = Array.from({ length: 6 }, (_, i) => {
    const array = floats(8 * 8192)
    array.write(numbers(8 * 8192, i))
    return { array, range: array.range(8192, 64) }
  })
  const gone = floats(MIB)
  gone[Symbol.dispose]()
  for (let i = 0; i < 4000; i++) {
    const dropped = floats(2 * MIB) // 2 MiB, 8 GB in all
    if (i % 100 === 0) dropped.fill(i)
    if (i % 500 !== 0) continue
    for (const [k, { array, range }] of kept.entries()) {
      expect(range.read()).toEqual(numbers(8 * 8192, k).subarray(8192, 8192 + 64))
      const [a, b] = [kept[k].array, kept[(k + 1) % 6].array]
      const out = floats(8 * 8)
      product('nt', out, a, b, 8, 8192, 8)
      expect(out.read()).toEqual(wanted(k))
      kept[(k + 2) % 6].array.write(array.range(0, 4), 0)
      kept[(k + 2) % 6].array.write(numbers(8 * 8192, (k + 2) % 6).subarray(0, 4), 0)
    }
  }
  expect(process.memoryUsage().rss).toBeLessThan(3 * 2 ** 30)
  expect(() => gone.read()).toThrow('disposed')
}, 60_000)

it('says what holds the memory when there is none left', () => {
  expect(() => floats(2 ** 30)).toThrow(/arrays hold [\d.]+ MiB, the largest [\d.]+ MiB\. Give back .*Symbol\.dispose/)
})

/** The product of two of the arrays, by the same kernel over ordinary arrays. */
function wanted(k: number): Float32Array {
  const out = new Float32Array(64)
  product('nt', out, numbers(8 * 8192, k), numbers(8 * 8192, (k + 1) % 6), 8, 8192, 8)
  return out
}
