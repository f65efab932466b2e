// CRC-32 against its published check values. Kills: a table off by one slice.
import { describe, expect, it } from 'vitest'
import { crc32 } from '../src/crc32'

const text = (s: string) => new TextEncoder().encode(s)

describe('crc32', () => {
  it('gives the published check values', () => {
    expect(crc32(text('123456789')).toString(16)).toBe('cbf43926')
    expect(crc32(new Uint8Array(0))).toBe(0)
    expect(crc32(text('a')).toString(16)).toBe('e8b7be43')
    expect(crc32(text('The quick brown fox jumps over the lazy dog')).toString(16)).toBe('414fa339')
    expect(crc32(new Uint8Array(32)).toString(16)).toBe('190a55ad')
    expect(crc32(new Uint8Array(32).fill(255)).toString(16)).toBe('ff6cab0b')
  })

  it('agrees with the bitwise definition at every length and cut', () => {
    const bytes = Uint8Array.from({ length: 41 }, (_, i) => (i * 197 + 31) & 255)
    for (let length = 0; length <= bytes.length; length++) {
      let crc = 0xffffffff
      for (const byte of bytes.subarray(0, length)) {
        crc ^= byte
        for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
      }
      expect(crc32(bytes.subarray(0, length))).toBe(~crc >>> 0)
      expect(crc32(bytes.subarray(length), crc32(bytes.subarray(0, length)))).toBe(crc32(bytes))
    }
  })
})
