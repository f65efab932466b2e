import type { AttentionStream, KvBlock, Matrix } from '@sublinear/core'
import fc from 'fast-check'
import { brokenBlocks, brokenMatrices, firstRows } from './broken-input'
import { pushed, samePartial } from './cut-laws'
import { insist, law, sameBits, type Law } from './law'
import type { StreamCase } from './stream-case'
import { randomTokens } from './token-data'

/** Laws of `check`: a stream that can be asked first refuses with the error of the call itself, and changes nothing. */
export function checkLaws({ make, scores, differs }: StreamCase): Law[] {
  const shape = make()
  if (!shape.check) return []

  const asks = law(
    {
      name: 'check refuses what the call refuses, and changes nothing',
      kills: [
        'a check that does the call',
        'a call that refuses more',
        'a check that refuses what is taken',
        'no queries',
      ],
      runs: 5,
    },
    fc.record({
      before: fc.constantFrom(0, 3, 64, 100),
      rows: fc.constantFrom(2, 65),
      row: fc.nat(1),
      seed: fc.nat(),
      broken: fc.constantFrom(NaN, Infinity),
    }),
    ({ before, rows, row, seed, broken }) => {
      const start = randomTokens(shape, before, { seed, scores }).block
      const made = () => pushed(make(), start)
      const { block, queries } = randomTokens(shape, rows, { seed: seed ^ 1, scores })
      const stream = made()
      const [bytes, held, answers] = [stream.toBytes(), stream.bytes, stream.attend(queries)]
      /** Asks one stream, and calls another that equals it: both throw the same error, or neither throws. */
      const asked = (what: string, check: (of: AttentionStream) => void, call: (of: AttentionStream) => unknown) => {
        const other = made()
        const [said, done] = [messageOf(() => check(stream)), messageOf(() => call(other))]
        insist(said === done, `${what}: check says "${said}", the call "${done}"`)
        insist(stream.tokens === before && stream.bytes === held, `tokens or bytes changed by check of ${what}`)
      }
      const pushes = (value: KvBlock, what: string) =>
        asked(
          `push, ${what}`,
          ({ check }) => check!.push(value),
          (of) => of.push(value),
        )
      const steps = (value: KvBlock, own: Matrix, what: string) =>
        asked(
          `step, ${what}`,
          ({ check }) => check!.step(value, own),
          (of) => of.step(value, own),
        )
      const merges = (partner: Pick<AttentionStream, 'toBytes'>, what: string) =>
        asked(
          `merge, ${what}`,
          ({ check }) => check!.merge(partner),
          (of) => of.merge(partner),
        )

      pushes(block, 'as it should be')
      steps(block, queries, 'as it should be')
      for (const { value, what } of brokenBlocks(block, row, broken)) {
        pushes(value, what)
        steps(value, queries, what)
      }
      for (const { value, what } of brokenMatrices(queries, row, broken)) steps(block, value, `queries ${what}`)
      steps(block, firstRows(queries, rows - 1), 'a query less than tokens')
      merges(made(), 'its own kind')
      merges(undefined as never, 'undefined')
      merges({ toBytes: () => bytes.slice(1) }, 'a damaged snapshot')
      for (const [word, other] of Object.entries(differs)) merges(other(), `another ${word}`)
      sameBits(stream.toBytes(), bytes, 'the snapshot after all that')
      samePartial(stream.attend(queries), answers, 'the answers after all that')
    },
  )
  return [asks]
}

/** The message of the error that a call threw; empty where it did not throw. */
export function messageOf(call: () => unknown): string {
  try {
    call()
    return ''
  } catch (error) {
    return `${String(error)}`
  }
}
