// Ids against Python's `re` and merges applied one at a time (scripts/tokens.py), bytes against themselves, streams against the whole.
// Kills: JS's \s instead of Python's (U+001C to 001F, 0085 and FEFF: the ids of this vocabulary cannot tell, the ends of pre-tokens do), digits
// not paired from the left, a space given to white space, merges in order of place instead of rank, a pre-token cut at the border of two
// chunks, bytes that are no UTF-8 replaced, two pre-tokens that share a place in the look-up taken for one another.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tokenizer, type Tokenizer } from '../src'
import { LONGEST_RUN, preTokenEnd } from '../src/pre-tokens'
import { fixture, heldOut, model } from './model-files'

const own = model('sharp').tokenizer
const cases = JSON.parse(new TextDecoder().decode(fixture('tokens.json'))) as { text: string; ids: number[] }[]

function inParts(tokenizer: Tokenizer, bytes: Uint8Array, cuts: readonly number[]): number[] {
  const encoder = tokenizer.encoder()
  const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
  const parts = edges.slice(1).map((to, i) => encoder.push(bytes.subarray(edges[i], to)))
  return [...parts, encoder.end()].flatMap((ids) => Array.from(ids))
}

describe('the tokenizer', () => {
  test.each(cases)('gives the ids of the reference: $text', ({ text, ids }) => {
    expect(Array.from(own.encode(text))).toEqual(ids)
    expect(own.decode(ids)).toBe(text)
  })

  test.each([
    [' \u001cx', [1, 2, 3]],
    ['!\u001f!', [1, 2, 3]],
    ['!\u0085!', [1, 3, 4]],
    ['!\ufeff!', [5]],
    ['!\u2003\u200b', [1, 4, 7]],
    ['  a 123 4', [1, 3, 6, 7, 9]],
  ] as const)('ends pre-tokens where Python does: %j', (text, ends) => {
    const bytes = new TextEncoder().encode(text)
    const found: number[] = []
    for (let at = 0; at < bytes.length; found.push(at)) at = preTokenEnd(bytes, at)
    expect(found).toEqual(ends)
  })

  test('reads a book without loss, at less than a token for two bytes', () => {
    const book = heldOut('romans')
    const ids = own.encode(book)
    expect(own.bytesOf(ids)).toEqual(new Uint8Array(book))
    expect(book.length / ids.length).toBeGreaterThan(2)
  })

  const awkward = fc.oneof(
    fc.constantFrom(...' aZ09().\n\t', ' (recall falcon', '\u00a0', '\u2003', '\u3000', '\ufeff', '\u0085', '😀', 'é'),
    fc.string({ unit: 'binary', maxLength: 8 }),
  )
  test('gives the same ids however the bytes are cut', () => {
    const text = fc.array(awkward, { maxLength: 40 }).map((parts) => new TextEncoder().encode(parts.join('')))
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 8 }), (bytes, at) => {
        const cuts = at.map((x) => x % (bytes.length + 1))
        expect(inParts(own, bytes, cuts)).toEqual(Array.from(own.encode(bytes)))
        expect(own.bytesOf(own.encode(bytes))).toEqual(bytes)
      }),
      { seed: 7, numRuns: 500 },
    )
  })

  test('gives the same ids to the same words among 21,844 others, whatever it remembers', () => {
    const words = Array.from({ length: 7 }).reduce<string[][]>(
      (all) => [...all, all.at(-1)!.flatMap((word) => [...'abcd'].map((letter) => word + letter))],
      [['']],
    )
    const text = words.flat().slice(1).join('\n')
    const { encode } = tokenizer([
      [0x61, 0x62],
      [0x63, 0x64],
    ])
    // The two merges cannot meet: 256 for every ab, 257 for every cd.
    const want = Uint16Array.from(text.replaceAll('ab', '\u0100').replaceAll('cd', '\u0101'), (sign) =>
      sign.charCodeAt(0),
    )
    expect(encode(text)).toEqual(want)
    expect(encode(text)).toEqual(want)
  })

  test('keeps every byte of what is no UTF-8', () => {
    const bytes = Uint8Array.from({ length: 4096 }, (_, i) => (i * 197 + (i >> 3)) % 256)
    expect(own.bytesOf(own.encode(bytes))).toEqual(bytes)
    expect(inParts(own, bytes, [1, 2, 3, 500, 1027, 1028, 4095])).toEqual(Array.from(own.encode(bytes)))
  })

  test('holds back no more than a run and what may be white space, also where letters never end', () => {
    const encoder = own.encoder()
    let out = 0
    for (let i = 1; i <= 64; i++) {
      for (const id of encoder.push(new Uint8Array(256).fill(0x61))) out += own.bytesOf([id]).length
      expect(256 * i - out).toBeLessThanOrEqual(LONGEST_RUN + 4)
    }
  })

  test('gives nothing for nothing, and refuses what it does not know', () => {
    expect(own.encode('')).toEqual(new Uint16Array(0))
    expect(own.decode([own.bos])).toBe('')
    expect(() => own.decode([1, own.vocabulary])).toThrow(
      'decode: ids must be integers from 0 to 1471, got 1472 at position 1',
    )
    expect(() => own.decode([0.5])).toThrow(RangeError)
    expect(() => own.encode(5 as unknown as string)).toThrow(TypeError)
    expect(() => tokenizer([[0, 256]])).toThrow('tokenizer: merge 0 must be an integer from 0 to 255, got 256')
    expect(() => tokenizer([[1] as unknown as [number, number]])).toThrow(TypeError)
  })
})
