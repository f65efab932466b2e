import type { KvBlock, Matrix } from '@sublinear/core'
import fc from 'fast-check'
import { pushed, samePartial } from './cut-laws'
import { insist, law, refusal, sameBits, type Law } from './law'
import type { StreamCase } from './stream-case'
import { randomTokens } from './token-data'

/** What push, attend and step must refuse, and with which class. */
export function refusalLaws({ make, scores }: StreamCase): Law[] {
  const shape = make()
  const { d } = shape
  const refuses = law(
    {
      name: 'a broken call is refused and changes nothing',
      kills: [
        'NaN or ±Infinity accepted',
        'shapes not compared',
        'weights ≤ 0 accepted',
        'checks after the push',
        'other classes',
      ],
      runs: 6,
    },
    fc.record({
      before: fc.constantFrom(0, 3, 64, 100),
      rows: fc.constantFrom(2, 65),
      at: fc.nat(),
      seed: fc.nat(),
      broken: fc.constantFrom(NaN, Infinity, -Infinity),
    }),
    ({ before, rows, at, seed, broken }) => {
      const stream = pushed(make(), randomTokens(shape, before, { seed, scores, weighted: seed % 2 === 0 }).block)
      const { block, queries } = randomTokens(shape, rows, { seed: seed ^ 1, scores })
      const [bytes, held, answers] = [stream.toBytes(), stream.bytes, stream.attend(queries)]
      const row = at % rows
      const refused = (
        call: () => unknown,
        error: typeof TypeError | typeof RangeError,
        what: string,
        place?: number,
      ) => {
        const message = refusal(call, error, what)
        const named = place === undefined || (message.includes(`row ${row}`) && message.includes(`column ${place}`))
        insist(named, `${what}: the message must name row ${row} and column ${place}, got "${message}"`)
        sameBits(stream.toBytes(), bytes, `the snapshot after: ${what}`)
        insist(stream.tokens === before && stream.bytes === held, `tokens or bytes changed by: ${what}`)
      }

      for (const { value, error, what, place } of brokenBlocks(block, row, broken)) {
        refused(() => stream.push(value), error, `push, ${what}`, place)
        refused(() => stream.step(value, queries), error, `step, ${what}`, place)
      }
      for (const { value, error, what, place } of brokenMatrices(queries, row, broken)) {
        refused(() => stream.attend(value), error, `attend, queries ${what}`, place)
        refused(() => stream.step(block, value), error, `step, queries ${what}`, place)
      }
      refused(() => stream.step(block, cut(queries, rows - 1)), RangeError, 'step, less than a query a token')
      refused(() => stream.step(block, cut(queries, 0)), RangeError, 'step, no queries')
      refused(
        () => stream.step({ keys: cut(block.keys, 0), values: cut(block.values, 0) }, queries),
        RangeError,
        'step, no tokens',
      )
      const odd = { rows: rows * 2 + 1, cols: d, data: new Float32Array((rows * 2 + 1) * d) }
      refused(() => stream.step(block, odd), RangeError, 'step, one query too many')
      samePartial(stream.attend(queries), answers, 'the answers after all that')
    },
  )

  return [refuses]
}

const cut = (m: Matrix, n: number) => ({ ...m, rows: n, data: m.data.subarray(0, n * m.cols) })

interface Broken<T> {
  readonly value: T
  readonly error: typeof TypeError | typeof RangeError
  readonly what: string
  /** Column that the message must name. */
  readonly place?: number
}

function brokenMatrices(good: Matrix, row: number, broken: number): Broken<Matrix>[] {
  const { rows, cols, data } = good
  const entry = data.slice()
  entry[row * cols + cols - 1] = broken
  const wrong: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [undefined, TypeError, 'undefined'],
    [null, TypeError, 'null'],
    [7, TypeError, 'a number'],
    [[[1]], TypeError, 'arrays'],
    [{ rows, cols, data: [...data] }, TypeError, 'with an array for data'],
    [{ rows, cols, data: Float64Array.from(data) }, TypeError, 'in float64'],
    [{ rows: String(rows), cols, data }, TypeError, 'with text for rows'],
    [{ rows: rows + 0.5, cols, data }, RangeError, 'with half a row'],
    [{ rows: -rows, cols: -cols, data }, RangeError, 'with negative sizes'],
    [{ rows, cols, data: data.subarray(1) }, RangeError, 'with an entry less'],
    [{ rows, cols: cols + 1, data: new Float32Array(rows * (cols + 1)) }, RangeError, 'too wide'],
    [{ rows: rows * cols, cols: 1, data }, RangeError, 'too narrow'],
  ]
  const listed = wrong.map(([value, error, what]) => ({ value: value as Matrix, error, what }))
  const narrow = cols === 1 ? listed.slice(0, -1) : listed
  const value = { rows, cols, data: entry }
  return [...narrow, { value, error: RangeError, what: `with ${broken}`, place: cols - 1 }]
}

function brokenBlocks(good: KvBlock, row: number, broken: number): Broken<KvBlock>[] {
  const { rows } = good.keys
  const weights = new Float32Array(rows).fill(1)
  const less = (m: Matrix) => ({ ...m, rows: rows - 1, data: m.data.subarray(m.cols) })
  const named = (name: 'keys' | 'values') =>
    brokenMatrices(good[name], row, broken).map((one) => ({
      ...one,
      value: { ...good, [name]: one.value },
      what: `${name} ${one.what}`,
    }))
  const wrong: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [undefined, TypeError, 'undefined'],
    [null, TypeError, 'null'],
    [{}, TypeError, 'no keys'],
    [{ ...good, values: less(good.values) }, RangeError, 'a value less than keys'],
    [{ ...good, keys: less(good.keys) }, RangeError, 'a key less than values'],
    [{ ...good, weights: [...weights] }, TypeError, 'an array of weights'],
    [{ ...good, weights: new Float64Array(rows).fill(1) }, TypeError, 'float64 weights'],
    [{ ...good, weights: weights.subarray(1) }, RangeError, 'a weight less'],
    [{ ...good, weights: new Float32Array(rows + 1).fill(1) }, RangeError, 'a weight more'],
    ...[0, -0, -1, broken].map((weight): [unknown, typeof RangeError, string] => [
      { ...good, weights: weights.map((w, i) => (i === row ? weight : w)) },
      RangeError,
      `a weight of ${weight}`,
    ]),
  ]
  const listed = wrong.map(([value, error, what]) => ({ value: value as KvBlock, error, what }))
  return [...listed, ...named('keys'), ...named('values')]
}
