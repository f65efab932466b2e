import { decodeSnapshot } from '@sublinear/core'
import fc from 'fast-check'
import { pushed, samePartial, WILD } from './cut-laws'
import { insist, law, refusal, sameBits, type Law } from './law'
import type { StreamCase } from './stream-case'
import { part, randomTokens } from './token-data'

const input = fc.record({
  n: fc.constantFrom(0, 1, 2, 63, 64, 65, 128, 129, 300),
  seed: fc.nat(),
  weighted: fc.boolean(),
})

/** Laws of snapshots: how a stream is saved to bytes and restored. */
export function snapshotLaws({ make, restore, scores }: StreamCase): Law[] {
  const shape = make()
  const bytes = law(
    {
      name: 'bytes covers the tensors of the snapshot',
      kills: ['a buffer that is not counted', 'log weights that are not counted', 'bytes of an empty stream for all'],
    },
    fc.record({ input, more: fc.integer({ min: 0, max: 70 }) }),
    ({ input: { n, ...data }, more }) => {
      const { block } = randomTokens(shape, n, { ...data, scores })
      const later = randomTokens(shape, more, { ...data, weighted: !data.weighted, scores }).block
      const stream = make()
      for (const next of [block, later]) {
        stream.push(next)
        let held = 0
        for (const { data } of decodeSnapshot(stream.toBytes()).tensors.values()) held += data.byteLength
        insist(stream.bytes >= held, `bytes is ${stream.bytes}, the snapshot's tensors have ${held}`)
      }
    },
  )
  if (!restore) return [bytes]

  const resumes = law(
    {
      name: 'a snapshot resumes bit for bit',
      kills: ['the buffer, its weights or the counts lost', 'a state that is rounded', 'parameters not restored'],
      runs: 30,
    },
    fc.record({ input, at: fc.nat(), wild: fc.boolean() }),
    ({ input: { n, ...data }, at, wild }) => {
      const known = at % (n + 1)
      const { block, queries } = randomTokens(shape, n, { ...data, scores: (wild ? WILD : 1) * scores })
      const stream = pushed(make(), part(block, 0, known))
      const bytes = stream.toBytes()
      const copy = restore(bytes)
      const { d, dv, scale, tokens, merging } = copy
      insist(
        d === shape.d && dv === shape.dv && scale === shape.scale && merging === shape.merging,
        'the shape differs',
      )
      insist(
        tokens === known && copy.bytes === stream.bytes,
        `tokens ${tokens}, bytes ${copy.bytes}, not ${stream.bytes}`,
      )
      sameBits(copy.toBytes(), bytes, 'the snapshot of the restored stream')
      samePartial(copy.attend(queries), stream.attend(queries), `at ${known} of ${n}`)
      const rest = part(block, known, n)
      stream.push(rest)
      copy.push(rest)
      sameBits(copy.toBytes(), stream.toBytes(), `the snapshot after ${n}`)
      samePartial(copy.attend(queries), stream.attend(queries), `from ${known} on to ${n}`)
    },
  )

  const damaged = law(
    {
      name: 'a damaged snapshot is refused',
      kills: ['a checksum that is not compared', 'a reader that believes any length'],
      runs: 60,
    },
    fc.record({ at: fc.nat(), to: fc.integer({ min: 1, max: 255 }), cut: fc.boolean() }),
    ({ at, to, cut }) => {
      const good = pushed(make(), randomTokens(shape, 70, { seed: 1, scores }).block).toBytes()
      const bad = cut ? good.slice(0, at % good.length) : good.slice()
      if (!cut) bad[at % bad.length] ^= to
      refusal(() => restore(bad), RangeError, cut ? `cut at ${bad.length}` : `byte ${at % bad.length} changed`)
    },
  )
  return [bytes, resumes, damaged]
}
