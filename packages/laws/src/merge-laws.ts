import { decodeSnapshot, encodeSnapshot } from '@sublinear/core'
import fc from 'fast-check'
import { closePartial, pushed, samePartial } from './cut-laws'
import { insist, law, refusal, sameBits, type Law } from './law'
import type { StreamCase } from './stream-case'
import { part, randomTokens } from './token-data'

const input = fc.record({
  n: fc.constantFrom(0, 1, 2, 65, 129, 300),
  at: fc.nat(),
  seed: fc.nat(),
  weighted: fc.boolean(),
})

/** Laws of merging: how summaries of two parts join, and what merge refuses. */
export function mergeLaws({ make, differs, scores, tolerance, error }: StreamCase): Law[] {
  const shape = make()
  const { merging } = shape
  const most = 2 * error

  const joins = law(
    {
      name: 'merged parts are the whole stream',
      kills: [
        'scales not aligned',
        'the partner’s buffer lost',
        'tokens or weights not added',
        'the partner changed or shared',
        'anything read of it but its snapshot',
      ],
      runs: 30,
    },
    input,
    ({ n, at, ...data }) => {
      const known = at % (n + 1)
      const { block, queries } = randomTokens(shape, n, { ...data, scores })
      const more = randomTokens(shape, 70, { ...data, seed: data.seed ^ 1, scores }).block
      const whole = pushed(make(), block)
      const first = () => pushed(make(), part(block, 0, known))
      const second = () => pushed(make(), part(block, known, n))

      const [a, b] = [first(), second()]
      const partner = b.toBytes()
      a.merge(b)
      insist(a.tokens === n, `tokens: ${a.tokens} merged, not ${n}`)
      closePartial(a.attend(queries), whole.attend(queries), most, `${known} and ${n - known} tokens merged`)
      sameBits(b.toBytes(), partner, 'the partner')
      const merged = a.toBytes()
      const reader = first()
      reader.merge({ toBytes: () => partner })
      sameBits(reader.toBytes(), merged, 'merged with the snapshot alone')
      b.push(more)
      sameBits(a.toBytes(), merged, 'the merged stream, after its partner went on')
      pushed(a, more)
      pushed(whole, more)
      closePartial(a.attend(queries), whole.attend(queries), most, 'after more tokens')

      const alone = first()
      alone.merge(make())
      closePartial(alone.attend(queries), first().attend(queries), tolerance, 'merged with an empty stream')
      if (merging !== 'linear') return
      const back = second()
      back.merge(first())
      closePartial(back.attend(queries), pushed(make(), block).attend(queries), most, 'merged in the other order')
      const twice = first()
      twice.merge(twice)
      insist(twice.tokens === 2 * known, `tokens: ${twice.tokens} after a merge with itself, not ${2 * known}`)
      const again = pushed(first(), part(block, 0, known))
      closePartial(twice.attend(queries), again.attend(queries), most, 'merged with itself')
    },
  )

  const refuses = law(
    {
      name: 'merge refuses what differs, and then changes nothing',
      kills: [
        'a foreign stream accepted, or one of another version',
        'a scale, width or feature map not compared',
        'a state half merged',
      ],
      runs: 4,
    },
    input,
    ({ n, at, ...data }) => {
      const { block, queries } = randomTokens(shape, n, { ...data, scores })
      const stream = pushed(make(), block)
      const [bytes, answers] = [stream.toBytes(), stream.attend(queries)]
      const unchanged = (what: string) => {
        sameBits(stream.toBytes(), bytes, `the snapshot after ${what}`)
        insist(stream.tokens === n, `tokens changed by ${what}`)
        samePartial(stream.attend(queries), answers, `the answers after ${what}`)
      }
      const { kind, version, parameters, tensors } = decodeSnapshot(bytes)
      const foreign = encodeSnapshot({ kind: 'foreign', version, parameters, tensors: {} })
      const older = encodeSnapshot({ kind, version: 'older', parameters, tensors: Object.fromEntries(tensors) })
      const partners: readonly (readonly [string, unknown, typeof TypeError | typeof RangeError])[] = [
        ['a stream of another kind', { ...make(), toBytes: () => foreign }, TypeError],
        ['a stream of another version', { ...make(), toBytes: () => older }, RangeError],
        ['a stream whose snapshot is damaged', { ...make(), toBytes: () => bytes.slice(1) }, RangeError],
        ...[undefined, null, {}, 7].map((other) => [String(other), other, TypeError] as const),
      ]
      for (const [what, partner, error] of partners) {
        const wanted = merging === 'none' ? undefined : error
        refusal(() => stream.merge(partner as never), wanted, `merge with ${what}`)
        unchanged(what)
      }
      if (merging === 'none') {
        refusal(() => stream.merge(make()), undefined, 'merge where merging is none')
        unchanged('its own kind')
      }
      for (const [word, other] of Object.entries(differs)) {
        const partner = other()
        partner.push(randomTokens(partner, at % 130, { ...data, scores }).block)
        const theirs = partner.toBytes()
        const message = refusal(() => stream.merge(partner), RangeError, `merge with another ${word}`)
        insist(message.includes(word), `merge must name ${word} as what differs, got "${message}"`)
        sameBits(partner.toBytes(), theirs, 'the refused partner')
        unchanged(`another ${word}`)
      }
    },
  )
  return merging === 'none' ? [refuses] : [joins, refuses]
}
