import fc from 'fast-check'
import { pushed, queriesOf, closePartial } from './cut-laws'
import { close, insist, law, type Law } from './law'
import type { StreamCase } from './stream-case'
import { answerOf, exactAnswer, pieces, randomTokens, uniforms } from './token-data'

const input = fc.record({
  n: fc.constantFrom(0, 1, 2, 63, 64, 65, 128, 129, 300),
  seed: fc.nat(),
  weighted: fc.boolean(),
})
const cut = fc.array(fc.constantFrom(1, 5, 63, 64, 65, 200), { minLength: 1, maxLength: 3 })

/** Laws of answers. */
export function answerLaws({ make, scores, tolerance, error }: StreamCase): Law[] {
  const shape = make()

  const exact = law(
    {
      name: 'answers are exact attention, to the stated error',
      kills: [
        'another scale',
        'a token counted twice or not at all',
        'a mass on another level than its sum',
        'log weights off',
      ],
      runs: 24,
    },
    fc.record({ input, cut, groups: fc.integer({ min: 1, max: 2 }) }),
    ({ input: { n, ...data }, cut, groups }) => {
      const { block, queries } = randomTokens(shape, n, { ...data, scores, groups })
      const stream = make()
      for (const { piece, from, to } of pieces(block, cut)) {
        const own = queriesOf(queries, groups, from, to)
        const { averages, levels } = answerOf(stream.step(piece, own))
        const wanted = exactAnswer(block, own, shape, (row) => from + Math.floor(row / groups) + 1)
        close(averages, wanted.averages, error, `step, tokens ${from} to ${to}`)
        close(levels, wanted.levels, error * (6 + scores), `step, log mass, tokens ${from} to ${to}`)
      }
      const wanted = exactAnswer(block, queries, shape, () => n)
      close(
        answerOf(pushed(make(), block, cut).attend(queries)).averages,
        wanted.averages,
        error,
        `attend, ${n} tokens`,
      )
    },
  )

  const constant = law(
    {
      name: 'constant values come back',
      kills: [
        'numerator and denominator over different tokens',
        'weights in one of the two',
        'an average that is not one',
      ],
    },
    fc.record({ input, cut }),
    ({ input: { n, ...data }, cut }) => {
      const { block, queries } = randomTokens(shape, n, { ...data, scores })
      const row = uniforms(shape.dv, data.seed, 5).map((x) => 4 * x)
      const values = { ...block.values, data: block.values.data.map((_, i) => row[i % shape.dv]) }
      const stepped = make()
      for (const { piece, from, to } of pieces({ ...block, values }, cut)) {
        const { averages } = answerOf(stepped.step(piece, queriesOf(queries, 1, from, to)))
        close(averages, values.data.subarray(from * shape.dv, to * shape.dv), 4 * tolerance, 'step')
      }
      close(answerOf(stepped.attend(queries)).averages, values.data, 4 * tolerance, 'attend')
    },
  )

  const finite = law(
    {
      name: 'mass is never negative and everything is finite',
      kills: ['a negative mass handed out', 'an overflow to NaN or Infinity', 'an empty stream that divides 0 by 0'],
      runs: 24,
    },
    fc.record({ input, spread: fc.constantFrom(1e-30, 1, 40, 1e4, 1e12, 2 ** 46) }),
    ({ input: { n, ...data }, spread }) => {
      const { block, queries } = randomTokens(shape, n, { ...data, scores: spread * scores })
      const asked = randomTokens(shape, 3, { ...data, seed: data.seed ^ 1, scores: spread * scores }).queries
      for (const { max, mass, sum } of [pushed(make(), block).attend(asked), make().step(block, queries)]) {
        insist(max.length === mass.length && sum.rows === mass.length && sum.cols === shape.dv, 'shapes differ')
        for (const [r, total] of mass.entries()) {
          const row = sum.data.subarray(r * shape.dv, (r + 1) * shape.dv)
          insist(total >= 0 && total < Infinity, `mass ${total} in row ${r}`)
          insist(
            max[r] < Infinity && (max[r] > -Infinity || total === 0),
            `max ${max[r]} with mass ${total} in row ${r}`,
          )
          insist(row.every(Number.isFinite), `sum ${row} in row ${r}`)
          insist(total > 0 || row.every((x) => x === 0), `sum ${row} without mass in row ${r}`)
          insist(n > 0 || max[r] === -Infinity, `an empty stream answers with max ${max[r]}`)
        }
      }
    },
  )

  const weights = law(
    {
      name: 'a token of weight w is w copies of it',
      kills: ['weights ignored', 'weights as factors of the logit', 'weights in the sum but not in the mass'],
    },
    fc.record({ input, cut }),
    ({ input: { n, seed }, cut }) => {
      const { block, queries } = randomTokens(shape, n, { seed, scores, weighted: true })
      const copies = [...block.weights!].flatMap((weight, i) => Array.from({ length: weight }, () => i))
      const rows = (data: Float32Array, cols: number) => ({
        rows: copies.length,
        cols,
        data: Float32Array.from(copies.flatMap((i) => [...data.subarray(i * cols, (i + 1) * cols)])),
      })
      const repeated = { keys: rows(block.keys.data, shape.d), values: rows(block.values.data, shape.dv) }
      const [a, b] = [pushed(make(), block, cut), pushed(make(), repeated, cut)]
      closePartial(a.attend(queries), b.attend(queries), 2 * error, 'weights against copies')
      const ones = { ...repeated, weights: new Float32Array(copies.length).fill(1) }
      closePartial(pushed(make(), ones, cut).attend(queries), b.attend(queries), tolerance, 'weights 1 against none')
    },
  )
  return [exact, constant, finite, weights]
}
