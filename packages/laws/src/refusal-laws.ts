import fc from 'fast-check'
import { brokenBlocks, brokenMatrices, firstRows } from './broken-input'
import { pushed, samePartial } from './cut-laws'
import { insist, law, refusal, sameBits, type Law } from './law'
import type { StreamCase } from './stream-case'
import { randomTokens } from './token-data'

/** Laws of refusals: inputs that push, attend and step must refuse, and with which class of error. */
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
      refused(() => stream.step(block, firstRows(queries, rows - 1)), RangeError, 'step, less than a query a token')
      refused(() => stream.step(block, firstRows(queries, 0)), RangeError, 'step, no queries')
      refused(
        () => stream.step({ keys: firstRows(block.keys, 0), values: firstRows(block.values, 0) }, queries),
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
