import { toHalf } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { FLOAT, FLOAT16, INT64 } from '../src/graph'
import { filesInMemory } from '../src/model-files'
import { placedTable, rotaryTables } from '../src/rotary-tables'

// Tables that stay in the model's file. The truth are the numbers that were written there. Kills: a part that begins beside its place, the last part read too long,
// a part that is taken for another after many were read, halves read as floats, an array that begins where no float may.

const [PLACES, PAIRS] = [2000, 3]
const numbers = Float32Array.from({ length: PLACES * PAIRS }, (_, i) => (i % 1024) / 8 - 60 + Math.floor(i / 1024)) // each is a half, too

function placed(type: number, at: number) {
  const { buffer } = type === FLOAT ? numbers : toHalf(numbers)
  const bytes = new Uint8Array(at + buffer.byteLength + 5)
  bytes.set(new Uint8Array(buffer), at)
  const read: number[] = []
  const files = filesInMemory({ 'model.onnx': bytes })
  const place = { file: 'model.onnx', from: at, to: NaN }
  const tensor = { name: 'cos', dims: [PLACES, PAIRS], type, place, isExternal: false, from: 0, to: 0 }
  const counted = {
    ...files,
    read(file: string, from: number, to: number) {
      read.push(to - from)
      return files.read(file, from, to)
    },
  }
  return { table: placedTable(counted, tensor)!, read, tensor, files }
}

describe('a table in the file', () => {
  it.each([
    ['float32', FLOAT, 8],
    ['float32, beside an even place', FLOAT, 3],
    ['float16', FLOAT16, 2],
    ['float16, beside an even place', FLOAT16, 7],
  ])('has the numbers of every place, read in any order: %s', (_, type, at) => {
    const { table, read } = placed(type, at)
    const tables = rotaryTables(table, table, false)
    expect([tables.places, tables.pairs]).toEqual([PLACES, PAIRS])
    for (let i = 0; i < PLACES; i++)
      for (const place of [i, (i * 709) % PLACES, PLACES - 1 - i]) {
        const { from, to, cos, sin } = tables.rowsAt(place)
        expect(from <= place && place < to).toBe(true)
        expect(cos.length).toBe((to - from) * PAIRS)
        const own = (place - from) * PAIRS
        expect(cos.subarray(own, own + PAIRS)).toEqual(numbers.subarray(place * PAIRS, (place + 1) * PAIRS))
        expect(sin[own]).toBe(cos[own])
      }
    expect(Math.max(...read)).toBeLessThan(numbers.byteLength / 4)
  })

  it('is read once where a text goes on', () => {
    const { table, read } = placed(FLOAT, 0)
    for (let place = 0; place < PLACES; place++) for (let head = 0; head < 3; head++) table.rowsAt(place)
    expect(read.length).toBe(8)
  })

  it('is none where the numbers are of another type, or lie in no file', () => {
    const { tensor, files } = placed(FLOAT, 0)
    expect(placedTable(files, { ...tensor, type: INT64 })).toBeUndefined()
    expect(placedTable(files, { ...tensor, dims: [PLACES * PAIRS] })).toBeUndefined()
    expect(placedTable(files, { ...tensor, place: undefined })).toBeUndefined()
  })
})
