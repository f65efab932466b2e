// The sketch of any matrix against Ψ·A in float64. Kills: rows flushed at the end of a push (other bits for another cut), a flush at
// the wrong index after a jump, updates that move the buffer, a merge that forgets held rows, a state that is no copy, a snapshot
// whose bytes depend on the cut, `first` of the buffer lost, f64 sums kept in float32, an index beyond 2^53 - 1.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { innerProduct, matrix, project, restoreSketch, rowsOf, sketch, type Sketch, type SketchMatrix } from '../src'
import { addProduct, dense, psi, random, sparse } from './test-matrices'

const makers: [string, (m: number, seed: number) => SketchMatrix][] = [
  ['dense', dense],
  ['sparse', sparse],
]
const close = (got: ArrayLike<number>, wanted: ArrayLike<number>, most: number) => {
  expect(got.length).toBe(wanted.length)
  for (let i = 0; i < got.length; i++) {
    if (!(Math.abs(got[i] - wanted[i]) <= most)) expect.fail(`${got[i]} at ${i}, not ${wanted[i]} to ${most}`)
  }
}
const cuts = fc.array(fc.constantFrom(0, 1, 2, 7, 63, 64, 65, 130), { minLength: 1, maxLength: 6 })
const pushed = (sketch: Sketch, rows: ReturnType<typeof random>, sizes: readonly number[]) => {
  for (let from = 0, i = 0; from < rows.rows; i++) {
    const to = Math.min(rows.rows, from + (sizes.some((s) => s > 0) ? sizes[i % sizes.length] : rows.rows))
    sketch.push(rowsOf(rows, from, to))
    from = to
  }
  return sketch
}

describe.each(makers)('a sketch of a %s matrix', (_, make) => {
  const shape = fc.record({
    m: fc.integer({ min: 1, max: 9 }),
    width: fc.integer({ min: 1, max: 4 }),
    seed: fc.nat(999),
  })
  const n = fc.constantFrom(0, 1, 63, 64, 65, 128, 192, 200)
  const precision = fc.constantFrom('f32' as const, 'f64' as const)

  test.prop([shape, n, cuts, precision], { seed: 1, numRuns: 40 })(
    'is Ψ·A, in the same bits for any cut',
    ({ m, width, seed }, n, sizes, precision) => {
      const a = random(n, width, seed)
      const got = pushed(sketch(make(m, seed), width, { precision }), a, sizes)
      const whole = pushed(sketch(make(m, seed), width, { precision }), a, [n])
      const wanted = new Float64Array(m * width)
      addProduct(wanted, got.matrix, a, 0)
      close(got.state.data, wanted, 1e-5 * Math.sqrt(n + 1) * 3)
      expect(got.state.data).toEqual(whole.state.data)
      expect(got.toBytes()).toEqual(whole.toBytes())
      expect([got.rows, got.bytes]).toEqual([n, whole.bytes])
    },
  )

  test.prop(
    [
      shape,
      fc.array(fc.record({ at: fc.nat(300), rows: fc.nat(70), update: fc.boolean() }), { maxLength: 8 }),
      precision,
    ],
    {
      seed: 2,
      numRuns: 40,
    },
  )('adds shards, late parts and corrections wherever they belong', ({ m, width, seed }, parts, precision) => {
    const got = sketch(make(m, seed), width, { precision })
    const wanted = new Float64Array(m * width)
    let [rows, most] = [0, 1]
    for (const [i, part] of parts.entries()) {
      const block = random(part.update ? 1 : part.rows, width, seed + i)
      if (part.update) {
        got.update(part.at, width === 1 ? block.data[0] : block.data, -2)
        addProduct(wanted, got.matrix, { ...block, data: block.data.map((x) => -2 * x) }, part.at)
      } else {
        const next = i % 3 === 0
        const at = next ? rows : part.at
        if (next) got.push(block)
        else got.push(block, at)
        addProduct(wanted, got.matrix, block, at)
        if (block.rows > 0) rows = Math.max(rows, at + block.rows)
      }
      if (part.update) rows = Math.max(rows, part.at + 1)
      most += block.rows
      expect(got.rows).toBe(rows)
    }
    close(got.state.data, wanted, 1e-5 * most)
  })

  test.prop([shape, n, n, precision, fc.boolean()], { seed: 3, numRuns: 40 })(
    'merges to the sketch of both parts',
    ({ m, width, seed }, n, more, precision, back) => {
      const a = random(n + more, width, seed)
      const [one, two] = [sketch(make(m, seed), width, { precision }), sketch(make(m, seed), width, { precision })]
      one.push(rowsOf(a, 0, n))
      two.push(rowsOf(a, n), n)
      const [left, right] = back ? [two, one] : [one, two]
      const kept = right.toBytes()
      left.merge(right)
      const wanted = new Float64Array(m * width)
      addProduct(wanted, one.matrix, a, 0)
      close(left.state.data, wanted, 1e-5 * Math.sqrt(n + more + 1) * 3)
      expect(left.rows).toBe(more > 0 ? n + more : n)
      expect(right.toBytes()).toEqual(kept)
      left.merge(left)
      close(
        left.state.data,
        wanted.map((x) => 2 * x),
        2e-5 * Math.sqrt(n + more + 1) * 3,
      )
    },
  )

  test.prop([shape, fc.nat(200), fc.nat(200), fc.nat(70), precision], { seed: 4, numRuns: 40 })(
    'resumes from a snapshot bit for bit',
    ({ m, width, seed }, n, more, jump, precision) => {
      const a = random(n + more, width, seed)
      const one = sketch(make(m, seed), width, { precision })
      one.push(rowsOf(a, 0, n), jump)
      const two = restoreSketch(make(m, seed), one.toBytes())
      expect(two.toBytes()).toEqual(one.toBytes())
      expect([two.rows, two.bytes, two.precision, two.width]).toEqual([one.rows, one.bytes, precision, width])
      for (const each of [one, two]) each.push(rowsOf(a, n))
      expect(two.toBytes()).toEqual(one.toBytes())
      expect(two.state).toEqual(one.state)
    },
  )

  test.prop([shape, fc.integer({ min: 1, max: 300 })], { seed: 5, numRuns: 20 })(
    'integers and their inverses leave exact zeros in f64',
    ({ m, seed }, n) => {
      const counts = sketch(make(m, seed), 1)
      expect(counts.precision).toBe('f64')
      const a = { ...random(n, 1, seed), data: random(n, 1, seed).data.map((x) => Math.round(x * 9)) }
      counts.push(a)
      for (let i = n - 1; i >= 0; i--) counts.update(i, a.data[i], -1)
      expect([...counts.state.data].every((x) => x === 0)).toBe(true)
      expect(counts.rows).toBe(n)
    },
  )

  test.prop([fc.nat(200), fc.nat(200), fc.integer({ min: 1, max: 3 })], { seed: 8, numRuns: 20 })(
    'a matrix accumulates any rows from any index on, in blocks that end at multiples of 64',
    (first, n, width) => {
      const into = random(3, width, 1)
      const wanted = Float64Array.from(into.data)
      const block = random(n, width, first)
      const psiHere = make(3, 7)
      psiHere.accumulate(into, block, first)
      addProduct(wanted, psiHere, block, first)
      close(into.data, wanted, 1e-5 * (n + 1))
    },
  )

  it('keeps in f64 what float32 would lose', () => {
    const one = sketch(make(1, 1), 1, { precision: 'f64' })
    const wide = psi(one.matrix, 0, 200)
    const at = wide.findIndex((x) => x !== 0)
    one.update(at, 2 ** 30)
    for (let i = 0; i < 100; i++) one.update(at, 0.5)
    expect(one.state.data[0]).toBe(wide[at] * (2 ** 30 + 50))
  })

  it('addresses columns up to 2^53 - 1', () => {
    const one = sketch(make(4, 5), 2)
    const last = Number.MAX_SAFE_INTEGER - 1
    one.update(last, Float32Array.of(1, -1))
    one.push(matrix(1, 2, Float32Array.of(3, 4)), last)
    expect(one.rows).toBe(Number.MAX_SAFE_INTEGER)
    const wanted = new Float64Array(8)
    addProduct(wanted, one.matrix, matrix(1, 2, Float32Array.of(4, 3)), last)
    close(one.state.data, wanted, 1e-5)
    const kept = one.toBytes()
    expect(() => one.push(matrix(1, 2))).toThrow(RangeError)
    expect(() => one.push(matrix(2, 2), last)).toThrow(
      'sketch: first + block.rows must be an integer from 0 to 9007199254740991',
    )
    expect(() => one.update(last + 1, Float32Array.of(1, 1))).toThrow(
      'sketch: index must be an integer from 0 to 9007199254740990',
    )
    expect(one.toBytes()).toEqual(kept)
  })

  test.prop([fc.integer({ min: 1, max: 9 }), fc.nat(150), fc.integer({ min: 1, max: 4 })], { seed: 6, numRuns: 20 })(
    'project is vectors·Ψᵀ',
    (m, n, rows) => {
      const vectors = random(rows, n, m)
      const psiHere = make(m, 7)
      const columns = psi(psiHere, 0, n)
      const got = project(psiHere, vectors)
      expect([got.rows, got.cols]).toEqual([rows, m])
      const wanted = Array.from({ length: rows * m }, (_, at) => {
        let sum = 0
        for (let j = 0; j < n; j++) sum += columns[(at % m) * n + j] * vectors.data[Math.floor(at / m) * n + j]
        return sum
      })
      close(got.data, wanted, 1e-5 * (n + 1))
    },
  )

  test.prop([shape, fc.nat(150)], { seed: 7, numRuns: 20 })('innerProduct is (ΨA)ᵀ(ΨB)', ({ m, width, seed }, n) => {
    const [a, b] = [sketch(make(m, seed), width), sketch(make(m, seed), 2)]
    a.push(random(n, width, seed))
    b.push(random(n, 2, seed + 1))
    const got = innerProduct(a, b)
    expect([got.rows, got.cols]).toEqual([width, 2])
    const wanted = Array.from({ length: width * 2 }, (_, at) => {
      let sum = 0
      for (let r = 0; r < m; r++) sum += a.state.data[r * width + (at >> 1)] * b.state.data[r * 2 + (at & 1)]
      return Math.fround(sum)
    })
    expect([...got.data]).toEqual(wanted)
  })
})

it('a push of no rows changes nothing, wherever it is', () => {
  const one = sketch(dense(3, 5), 2)
  one.push(random(70, 2, 1))
  const kept = one.toBytes()
  for (const at of [0, 70, 100, 1000]) one.push(matrix(0, 2), at)
  expect([one.rows, one.toBytes()]).toEqual([70, kept])
  one.push(random(3, 2, 2))
  expect(one.rows).toBe(73)
})
