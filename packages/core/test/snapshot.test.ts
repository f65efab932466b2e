// Snapshots: kind, version and a CRC over all that matters. Kills: a CRC that skips the length bytes, the header, its own digits or the data; digits compared
// as numbers (upper case, spaces).
import { describe, expect, it } from 'vitest'
import { crc32 } from '../src/crc32'
import { type Tensor, decodeSnapshot, encodeSnapshot, encodeTensors } from '../src'

describe('a snapshot', () => {
  const snapshot = {
    kind: 'sketch',
    version: '1',
    parameters: { '7': 'a numeric name comes after the seal', m: '3' },
    tensors: { s: { dtype: 'F32', shape: [2], data: Float32Array.of(1.5, -0) } as Tensor },
  }
  const bytes = encodeSnapshot(snapshot)

  it('comes back, and its seal is the CRC-32 of the file with eight zeros for digits', () => {
    const { tensors, ...rest } = decodeSnapshot(bytes, { kind: 'sketch' })
    expect({ ...rest, tensors: Object.fromEntries(tensors) }).toEqual(snapshot)
    const digits = /"crc32":"([0-9a-f]{8})"/.exec(String.fromCharCode(...bytes))!
    const zeroed = bytes.slice().fill(0x30, digits.index + 9, digits.index + 17)
    expect(crc32(zeroed).toString(16).padStart(8, '0')).toBe(digits[1])
  })

  it('is refused after any change of any one byte', () => {
    const odd: string[] = []
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice()
      for (let change = 1; change < 256; change++) {
        changed[at] = bytes[at] ^ change
        let message = 'accepted'
        try {
          decodeSnapshot(changed)
        } catch (error) {
          message = (error as Error).message
        }
        if (!/^safetensors: .* at byte \d+: expected .*, found /s.test(message))
          odd.push(`${at} ^ ${change}: ${message}`)
      }
    }
    expect(odd).toEqual([])
  })

  it('is refused when cut anywhere or extended', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSnapshot(bytes.subarray(0, length))).toThrow(
        /^safetensors: (file|header length|data) at byte /,
      )
    }
    expect(() => decodeSnapshot(Uint8Array.of(...bytes, 0))).toThrow(/data at byte/)
  })

  it('is refused when it is of another kind, is none, or takes a reserved name', () => {
    expect(() => decodeSnapshot(bytes, { kind: 'sketch', version: '0' })).toThrow('version at byte 8: expected "0"')
    expect(() => decodeSnapshot(bytes, { kind: 'stream' })).toThrow('kind at byte 8: expected "stream", found "sketch"')
    expect(() => decodeSnapshot(encodeTensors({}))).toThrow(/snapshot at byte 8/)
    expect(() => encodeSnapshot({ ...snapshot, parameters: { kind: 'x' } })).toThrow('no parameter can be called kind')
  })
})
