import { sketch, type Matrix, type Sketch, type SketchMatrix } from '@sublinear/core'
import fc from 'fast-check'
import { insist, law, refusal, sameBits, type Law } from './law'
import { near } from './sketch-column-laws'
import { addProduct, columnsOf, randomRows } from './sketch-columns'
import type { SketchCase } from './sketch-case'

/** Computes Ψ·A, and the sizes of its terms, in float64. */
const truth = (matrix: SketchMatrix, a: Matrix, first: number) => {
  const [sum, sizes] = [new Float64Array(matrix.m * a.cols), new Float64Array(matrix.m * a.cols)]
  addProduct(sum, sizes, columnsOf(matrix, first, a.rows), a)
  return { sum, sizes }
}

/** Laws of the sketches of a matrix: they merge, take parts in any order, are corrected, and refuse. */
export function sketchStateLaws({ make, rows, columns, differs, tolerance }: SketchCase): Law[] {
  const shape = fc.record({ m: fc.constantFrom(...rows), seed: fc.nat() })
  const most = Math.min(300, columns)
  const stream = fc.record({
    shape,
    n: fc.integer({ min: 1, max: most }),
    width: fc.integer({ min: 1, max: 3 }),
    precision: fc.constantFrom('f32' as const, 'f64' as const),
    /** The first index of the stream, as a share of the possible ones. */
    place: fc.constantFrom(0, 0, 0.37, 1),
  })
  const startOf = (n: number, place: number) => Math.floor((columns - n) * place)

  const merges = law(
    {
      name: 'shards placed by row index merge to the whole, 2 to 64 of them in any tree',
      kills: ['merge that overwrites', 'a shard at another index', 'an order that matters', 'a partner that changes'],
      runs: 30,
    },
    fc.record({ stream, shards: fc.integer({ min: 2, max: 64 }), order: fc.infiniteStream(fc.nat()) }),
    ({ stream: { shape, n, width, precision, place }, shards, order }) => {
      const matrix = make(shape)
      const a = randomRows(n, width, shape.seed)
      const start = startOf(n, place)
      const waiting: Sketch[] = []
      for (let s = 0; s < shards; s++) {
        const [from, to] = [Math.floor((n * s) / shards), Math.floor((n * (s + 1)) / shards)]
        const part = sketch(make(shape), width, { precision })
        part.push({ rows: to - from, cols: width, data: a.data.subarray(from * width, to * width) }, start + from)
        waiting.push(part)
      }
      const picks = order[Symbol.iterator]()
      const take = () => waiting.splice(Number(picks.next().value) % waiting.length, 1)[0]
      while (waiting.length > 1) {
        const [one, two] = [take(), take()]
        const kept = two.toBytes()
        one.merge(two)
        sameBits(two.toBytes(), kept, 'the partner of a merge')
        waiting.push(one)
      }
      const { sum, sizes } = truth(matrix, a, start)
      near(waiting[0].state.data, sum, sizes, 4 * tolerance, `${shards} shards merged`)
      insist(waiting[0].rows === start + n, `rows is ${waiting[0].rows}, not ${start + n}`)
    },
  )

  const orders = law(
    {
      name: 'rows arrive in any order and any block size, and are corrected by negative updates',
      kills: ['an index that counts arrivals', 'a correction that is dropped', 'a scale that is applied twice'],
      runs: 30,
    },
    fc.record({ stream, size: fc.constantFrom(1, 7, 64, 100), wrong: fc.nat() }),
    ({ stream: { shape, n, width, precision, place }, size, wrong }) => {
      const a = randomRows(n, width, shape.seed)
      const start = startOf(n, place)
      const late = sketch(make(shape), width, { precision })
      const mistaken = a.data.slice(0, width).map((x) => x + 0.5)
      const at = start + (wrong % n)
      late.update(at, width === 1 ? mistaken[0] : mistaken, 3)
      for (let to = n; to > 0; to -= size) {
        const from = Math.max(0, to - size)
        late.push({ rows: to - from, cols: width, data: a.data.subarray(from * width, to * width) }, start + from)
      }
      late.update(at, width === 1 ? mistaken[0] : mistaken, -3)
      const { sum, sizes } = truth(late.matrix, a, start)
      near(
        late.state.data,
        sum,
        sizes.map((x) => x + 10),
        4 * tolerance,
        'backwards and corrected',
      )
    },
  )

  const memory = law(
    {
      name: 'bytes do not depend on the length of the stream',
      kills: ['columns that are kept', 'a table that grows with the index'],
      runs: 10,
    },
    fc.record({ shape, blocks: fc.integer({ min: 1, max: 6 }) }),
    ({ shape, blocks }) => {
      const one = sketch(make(shape), 2)
      const [before, described] = [one.bytes, one.matrix.bytes]
      for (let i = 0; i < blocks; i++)
        one.push(randomRows(Math.min(50, most), 2, i), Math.floor(((columns - 50) * i) / 6))
      insist(one.bytes === before && one.matrix.bytes === described, `bytes: ${one.bytes}, ${before} when empty`)
      insist(described >= 0 && one.bytes >= described + 4 * shape.m * 2, `bytes: ${one.bytes} is less than it holds`)
    },
  )

  const refuses = law(
    {
      name: 'unlike sketches are not merged, over all pairs',
      kills: ['kind, options, m, seed, width or precision not compared', 'a state half merged'],
      runs: 1,
    },
    fc.constant(0),
    () => {
      const shape = { m: rows.at(-1)!, seed: 3 }
      const kinds = [make, ...differs]
      const shapes = [shape, { ...shape, m: shape.m + 1 }, { ...shape, seed: 4 }, { ...shape, seed: (1n << 32n) + 3n }]
      const all: [string, Sketch][] = kinds.flatMap((kind, k) =>
        shapes.flatMap((one) =>
          [1, 2].flatMap((width) =>
            (['f32', 'f64'] as const).map((precision): [string, Sketch] => {
              const made = sketch(kind(one), width, { precision })
              made.push(randomRows(3, width, 1))
              return [`kind ${k}, m ${one.m}, seed ${one.seed}, width ${width}, ${precision}`, made]
            }),
          ),
        ),
      )
      for (const [i, [what, one]] of all.entries()) {
        const kept = one.toBytes()
        for (const [j, [other, two]] of all.entries()) {
          if (i === j) continue
          refusal(() => one.merge(two), RangeError, `${what} merged with ${other}`)
        }
        sameBits(one.toBytes(), kept, `${what} after refused merges`)
      }
    },
  )
  return [merges, orders, memory, refuses]
}
