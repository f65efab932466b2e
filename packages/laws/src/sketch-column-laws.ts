import type { Matrix } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import fc from 'fast-check'
import { insist, law, refusal, sameBits, type Law } from './law'
import { addProduct, columnOf, columnsOf, goldenColumns, randomRows, zeros } from './sketch-columns'
import type { SketchCase } from './sketch-case'

/** Laws of accumulate, column by column. */
export function sketchColumnLaws({ make, rows, columns, tolerance, golden }: SketchCase): Law[] {
  const shape = fc.record({ m: fc.constantFrom(...rows), seed: fc.nat() })
  const most = Math.min(200, columns)
  /** First indices of blocks: at the front, around multiples of 64 and of 2^32, and at the very end. */
  const places = [0, 1, 63, 64, 1000, 2 ** 31 - 3, 2 ** 32 - 5, 2 ** 40 + 17, columns - most, columns - 1]
  const first = fc.constantFrom(...places.filter((at) => at >= 0 && at < columns))
  const count = fc.constantFrom(...[1, 2, 63, 64, 65, 130, 200].filter((n) => n <= most))
  const block = fc.record({ shape, first, count, width: fc.integer({ min: 1, max: 3 }) })
  const fitting = (at: number, n: number) => Math.max(0, Math.min(at, columns - n))

  const same = law(
    {
      name: 'equal (kind, m, seed) are the same matrix, bit for bit',
      kills: ['a generator that remembers', 'a clock', 'a seed that is not used', 'columns that depend on their block'],
      runs: 30,
    },
    block,
    ({ shape, first, count }) => {
      const at = fitting(first, count)
      const [a, b] = [make(shape), make(shape)]
      insist(
        a.kind === b.kind && a.m === b.m && a.seed === b.seed && a.bytes === b.bytes,
        'they describe themselves otherwise',
      )
      insist(a.m === shape.m && a.seed === BigInt(shape.seed), `m or seed is not what was asked for: ${a.m}, ${a.seed}`)
      const whole = columnsOf(a, at, count)
      for (let c = count - 1; c >= 0; c -= 1 + (count >> 4)) {
        const column = Float32Array.from({ length: shape.m }, (_, r) => whole.data[r * count + c])
        sameBits(columnOf(b, at + c), column, `column ${at + c} by itself and in a block of ${count}`)
      }
      sameBits(columnsOf(a, at, count).data, whole.data, 'the same columns again')
      const other = columnsOf(make({ ...shape, seed: shape.seed + 1 }), fitting(0, most), most)
      const mine = columnsOf(a, fitting(0, most), most)
      insist(
        shape.m * most < 100 || other.data.some((x, i) => x !== mine.data[i]),
        'another seed gives the same columns',
      )
    },
  )

  const apart = law(
    { name: 'columns far apart are different', kills: ['an index mod 2^32', 'low bits of the index dropped'], runs: 1 },
    fc.constant(0),
    () => {
      const matrix = make({ m: Math.max(...rows), seed: 2 })
      const size = Math.min(50, columns)
      const base = columnsOf(matrix, 0, size)
      for (let shift = 1; shift <= columns - size; shift *= 2) {
        const other = columnsOf(matrix, shift, size)
        insist(matrix.m * size < 100 || other.data.some((x, i) => x !== base.data[i]), `columns repeat after ${shift}`)
      }
    },
  )

  const linear = law(
    {
      name: 'accumulate adds Ψ·block',
      kills: [
        'rows of a block at the wrong index',
        'into overwritten',
        'a block transposed',
        'not linear',
        'inputs changed',
      ],
      runs: 40,
    },
    block,
    ({ shape, first, count, width }) => {
      const at = fitting(first, count)
      const matrix = make(shape)
      const rows = randomRows(count, width, shape.seed)
      const into = randomRows(shape.m, width, shape.seed, 21)
      const kept = rows.data.slice()
      const wanted = Float64Array.from(into.data)
      const sizes = wanted.map(Math.abs)
      addProduct(wanted, sizes, columnsOf(matrix, at, count), rows)
      matrix.accumulate(into, rows, at)
      near(into.data, wanted, sizes, tolerance, `Ψ·(rows ${at} to ${at + count})`)
      sameBits(rows.data, kept, 'the block')
      const before = into.data.slice()
      matrix.accumulate(into, zeros(count, width), at)
      near(into.data, before, before, 0, 'after a block of zeros')
    },
  )

  const cuts = law(
    {
      name: 'any cut of a block, in any order, is the same sum',
      kills: ['a block that begins elsewhere than it says', 'a sum that restarts', 'a seam at 64 or at 2^32'],
      runs: 40,
    },
    fc.record({
      block,
      sizes: fc.array(fc.constantFrom(1, 3, 63, 64, 65), { minLength: 1, maxLength: 4 }),
      back: fc.boolean(),
    }),
    ({ block: { shape, first, count, width }, sizes, back }) => {
      const at = fitting(first, count)
      const matrix = make(shape)
      const rows = randomRows(count, width, shape.seed)
      const whole = zeros(shape.m, width)
      matrix.accumulate(whole, rows, at)
      const terms = [new Float64Array(whole.data.length), new Float64Array(whole.data.length)] as const
      addProduct(...terms, columnsOf(matrix, at, count), rows)
      const pieces: [number, Matrix][] = []
      for (let from = 0, i = 0; from < count; i++) {
        const to = Math.min(count, from + sizes[i % sizes.length])
        pieces.push([at + from, { rows: to - from, cols: width, data: rows.data.subarray(from * width, to * width) }])
        from = to
      }
      const parts = zeros(shape.m, width)
      for (const [start, piece] of back ? pieces.toReversed() : pieces) matrix.accumulate(parts, piece, start)
      near(parts.data, whole.data, terms[1], 2 * tolerance, `cut by ${sizes}`)
    },
  )

  const inside = law(
    {
      name: 'the resident product, where there is one, has the same bits',
      kills: ['a row at the wrong index', 'into overwritten', 'another order of the sums'],
      runs: 30,
    },
    block,
    ({ shape, first, count, width }) => {
      const at = fitting(first, count)
      const matrix = make(shape)
      if (!matrix.resident) return
      const rows = randomRows(count, width, shape.seed)
      const wanted = randomRows(shape.m, width, shape.seed, 21)
      const [into, block] = [kernels().floats(wanted.data.length), kernels().floats(rows.data.length)]
      into.write(wanted.data)
      block.write(rows.data)
      for (const given of [rows.data, block]) {
        matrix.accumulate(wanted, rows, at)
        matrix.resident.accumulate(into, given, count, width, at)
        sameBits(into.read(), wanted.data, `Ψ·(rows ${at} to ${at + count})`)
      }
      for (const held of [into, block]) held[Symbol.dispose]()
    },
  )

  const finite = law(
    {
      name: 'entries are finite and of the size 1/√m',
      kills: ['NaN columns', 'entries that are not scaled', 'a zero matrix'],
      runs: 20,
    },
    fc.record({ shape, first }),
    ({ shape, first }) => {
      const { data } = columnsOf(make(shape), fitting(first, most), most)
      let sum = 0
      for (const x of data) sum += x * x
      insist(Number.isFinite(sum), `columns from ${first} on are not finite`)
      // E|Ψe|² = 1: with `most` columns the mean is between 1/4 and 4 for nearly all seeds, and seeds are fixed.
      insist(most < 50 || (sum / most > 0.25 && sum / most < 4), `mean |Ψe|² is ${sum / most}, not 1`)
    },
  )

  const refuses = law(
    {
      name: 'broken calls are refused and change nothing',
      kills: ['shapes not compared', 'an index that is negative, fractional or beyond the last column'],
      runs: 6,
    },
    shape,
    (shape) => {
      const matrix = make(shape)
      const [into, rows] = [randomRows(shape.m, 2, 1), randomRows(3, 2, 2)]
      const kept = into.data.slice()
      const refused = (
        what: string,
        error: typeof TypeError | typeof RangeError,
        to: unknown,
        block: unknown,
        at: unknown,
      ) => {
        refusal(() => matrix.accumulate(to as Matrix, block as Matrix, at as number), error, what)
        sameBits(into.data, kept, `into after ${what}`)
      }
      refused('a row too many in into', RangeError, zeros(shape.m + 1, 2), rows, 0)
      refused('a column too many in into', RangeError, zeros(shape.m, 3), rows, 0)
      refused('no block', TypeError, into, undefined, 0)
      refused('a float64 block', TypeError, into, { ...rows, data: Float64Array.from(rows.data) }, 0)
      refused('a block without its data', RangeError, into, { ...rows, rows: 4 }, 0)
      for (const at of [-1, 0.5, NaN, columns - 1]) refused(`first = ${at}`, RangeError, into, rows, at)
      refused('first as text', TypeError, into, rows, '0')
    },
  )

  const makes = law(
    { name: 'm and seed are checked', kills: ['m = 0', 'a seed that is rounded or defaulted'], runs: 1 },
    fc.constant(0),
    () => {
      const good = { m: rows[0], seed: 1 }
      for (const m of [0, -1, 1.5, NaN]) refusal(() => make({ ...good, m }), RangeError, `m = ${m}`)
      for (const seed of [-1, 0.5, 2 ** 53, 2n ** 64n, -1n])
        refusal(() => make({ ...good, seed }), RangeError, `seed = ${seed}`)
      refusal(() => make({ ...good, seed: undefined as never }), TypeError, 'no seed')
      insist(make({ ...good, seed: 2n ** 64n - 1n }).seed === 2n ** 64n - 1n, 'a seed of 64 bits is not kept')
    },
  )
  const laws = [same, apart, linear, cuts, inside, finite, refuses, makes]
  if (!golden) return laws
  const fixed = law(
    { name: 'the golden columns are those of the release', kills: ['any change of Ψ for a given seed'], runs: 1 },
    fc.constant(0),
    () => {
      const got = golden.digest(goldenColumns(make({ m: golden.m, seed: golden.seed }), columns))
      insist(got === golden.expected, `the digest is ${got}, not ${golden.expected}`)
    },
  )
  return [...laws, fixed]
}

/** Checks |got − wanted| ≤ share · sizes, entry by entry. */
export function near(
  got: ArrayLike<number>,
  wanted: ArrayLike<number>,
  sizes: ArrayLike<number>,
  share: number,
  what: string,
): void {
  insist(got.length === wanted.length, `${what}: ${got.length} numbers, not ${wanted.length}`)
  for (let i = 0; i < got.length; i++) {
    const most = share * Math.abs(sizes[i])
    insist(Math.abs(got[i] - wanted[i]) <= most, `${what}: ${got[i]} at ${i}, not ${wanted[i]} to ${most}`)
  }
}
