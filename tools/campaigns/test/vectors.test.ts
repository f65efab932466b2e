// docs/format-vectors.json: a reader of its own, which knows the format from docs/format.md alone, finds in each snapshot what stands beside it.
// Kills: vectors that are not those of the code, a kind without one, a field that says other than the bytes, a checksum over other bytes.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import { describe, expect, it, test } from 'vitest'
import { KINDS } from '../src/published.ts'

interface Vector {
  readonly version: string
  readonly parameters: Record<string, string>
  readonly tensors: Record<string, { dtype: string; shape: number[]; first: (number | string)[]; sum: number | string }>
  readonly base64: string
}
const path = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url))
const vectors = JSON.parse(readFileSync(path('docs/format-vectors.json'), 'utf8')) as Record<string, Vector>

const SIZES: Record<string, number> = { F64: 8, F32: 4, U64: 8, U32: 4, U8: 1, U16: 2 }
function entry(bytes: Buffer, dtype: string, at: number): number {
  if (dtype === 'F64') return bytes.readDoubleLE(at)
  if (dtype === 'F32') return bytes.readFloatLE(at)
  if (dtype === 'U64') return Number(bytes.readBigUInt64LE(at))
  return bytes.readUIntLE(at, SIZES[dtype])
}

test('the vectors are those of the code', () => {
  execFileSync(process.execPath, [path('tools/campaigns/src/vectors.ts'), '--check'])
}, 60_000)

test('every kind has one, but the file of weights', () => {
  expect(Object.keys(vectors).toSorted()).toEqual(
    Object.keys(KINDS)
      .filter((kind) => kind !== 'small-lm')
      .toSorted(),
  )
})

describe('a reader of its own finds what is said', () => {
  it.each(Object.keys(vectors))('%s', (kind) => {
    const { version, parameters, tensors, base64 } = vectors[kind]
    const bytes = Buffer.from(base64, 'base64')
    const data = 8 + Number(bytes.readBigUInt64LE(0))
    const { __metadata__: found, ...entries } = JSON.parse(bytes.toString('utf8', 8, data)) as Record<string, never> & {
      __metadata__: Record<string, string>
    }
    const digits = bytes.indexOf('"crc32":"') + '"crc32":"'.length
    const zeroed = Buffer.from(bytes)
    zeroed.fill('0', digits, digits + 8)
    expect(found).toEqual({ crc32: crc32(zeroed).toString(16).padStart(8, '0'), kind, version, ...parameters })
    expect(Object.keys(entries).toSorted()).toEqual(Object.keys(tensors).toSorted())
    for (const [name, { dtype, shape, first, sum }] of Object.entries(tensors)) {
      const own = entries[name] as { dtype: string; shape: number[]; data_offsets: [number, number] }
      expect([own.dtype, own.shape]).toEqual([dtype, shape])
      const [begin, end] = own.data_offsets
      const read = Array.from({ length: (end - begin) / SIZES[dtype] }, (_, i) =>
        entry(bytes, dtype, data + begin + i * SIZES[dtype]),
      )
      expect(read.length).toBe(shape.reduce((all, one) => all * one, 1))
      expect(read.slice(0, first.length)).toEqual(first.map(Number))
      expect(read.reduce((all, x) => all + x, 0)).toEqual(Number(sum))
    }
  })
})
