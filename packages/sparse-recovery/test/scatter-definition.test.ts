// Positions of keys in the widest rectangle, in integers of any length: a coordinate moves by ⌊top 32 bits of 61 · size / 2³²⌋ of the hash of the other.
// Kills: one bit of the 32 that is of another word or none, which moves one key in some thousands by one; a round in another order.
import { expect, test } from 'vitest'
import { digitHash } from '../src/hash-digits'
import { scatter } from '../src/scatter'

test('keys are moved by the definition, every one of a hundred thousand', () => {
  const [columns, lines, seed, stream, count] = [65_536, 65_521, 11n, 4, 100_000]
  const keys = Float64Array.from({ length: count }, (_, i) => (i * 2_654_435_761) % (columns * lines))
  const place = new Float64Array(count)
  scatter({ columns, lines, seed, stream }).positions(keys, place)
  const x = keys.map((key) => key % columns)
  const y = keys.map((key) => Math.floor(key / columns))
  for (let round = 0; round < 4; round++) {
    const [moved, fixed, size] = round % 2 === 0 ? [x, y, columns] : [y, x, lines]
    const words = digitHash(seed, stream + round).hash(fixed)
    for (let c = 0; c < count; c++) {
      const top = ((BigInt(words[2 * c + 1]) << 32n) | BigInt(words[2 * c])) >> 29n
      moved[c] = (moved[c] + Number((top * BigInt(size)) >> 32n)) % size
    }
  }
  expect(place).toEqual(x.map((column, c) => y[c] * columns + column))
})
