// UTF-8 by the language alone against TextEncoder and a fatal TextDecoder of Node: texts of every length of code, all two bytes, and 20,000 random byte
// strings near the borders. Kills: a per cent sign taken for an escape, overlong or cut codes and surrogates accepted, a byte order mark dropped.
import { afterEach, expect, test, vi } from 'vitest'
import { decodeTensors, decodeUtf8, encodeTensors, encodeUtf8, philox } from '../src'

afterEach(() => void vi.unstubAllGlobals())

const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const outcome = (read: () => string) => {
  try {
    return read()
  } catch {
    return undefined
  }
}

test.each([
  '',
  'plain',
  '%',
  '%41 100 %',
  'é ß',
  '日本語',
  '\uFEFFmark',
  '🙂\u{10FFFF}\0\x7f\x80߿ࠀ￿',
  'x'.repeat(9000) + 'ü',
])('%s', (text) => {
  const bytes = encodeUtf8(text)
  expect(bytes).toEqual(new TextEncoder().encode(text))
  expect(decodeUtf8(bytes)).toBe(text)
})

test('refuses a lone surrogate', () => {
  expect(() => encodeUtf8('a\uD800b')).toThrow(URIError)
})

const differs = (bytes: Uint8Array) => outcome(() => decodeUtf8(bytes)) !== outcome(() => fatal.decode(bytes))

test('accepts the bytes that a fatal TextDecoder accepts, and no others', () => {
  const wrong: Uint8Array[] = []
  const judge = (bytes: Uint8Array) => void (differs(bytes) && wrong.push(bytes))
  for (let two = 0; two < 65_536; two++) judge(Uint8Array.of(two >> 8, two & 255))
  const edges = [0x25, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5]
  const words = new Uint32Array(4)
  for (let i = 0; i < 20_000; i++) {
    philox(words, 7, 0, i, 0, 0, 0)
    judge(Uint8Array.from({ length: 1 + (words[0] % 5) }, (_, j) => edges[(words[1] >>> (5 * j)) % edges.length]))
  }
  expect(wrong).toEqual([])
})

test('snapshots are written and read where the engine has neither class', () => {
  const tensors = { 'größe %': { dtype: 'F32', shape: [1], data: Float32Array.of(2) } } as const
  const wanted = encodeTensors(tensors, { key: 'wert é' })
  vi.stubGlobal('TextEncoder', undefined)
  vi.stubGlobal('TextDecoder', undefined)
  expect(encodeTensors(tensors, { key: 'wert é' })).toEqual(wanted)
  expect(decodeTensors(wanted).metadata).toEqual({ key: 'wert é' })
})
