// The heap of far keys against a plain list that is sorted anew for every question. Kills: a child that is not compared, a slot of an older and larger heap that is read, equal distances
// whose higher slot leaves first, a distance that is replaced and does not sink.
import { random } from '@sublinear/laws'
import { expect, test } from 'vitest'
import { distanceHeap } from '../src/policies/distance-heap'

test.each([300, 64, 33, 17, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1])(
  'finds the nearest of %i, the lower slot of equals, after any number of replacements',
  (size) => {
    for (const grain of [1e9, 4]) {
      const numbers = Array.from(random(4 * size, 1, size).data, (x) => Math.round(Math.abs(x) * grain))
      const plain = numbers.slice(0, size)
      const heap = distanceHeap(Float64Array.from(plain))
      for (const next of numbers.slice(size)) {
        const least = Math.min(...plain)
        expect([heap.least(), heap.nearest()]).toEqual([least, plain.indexOf(least)])
        heap.replaceNearest(next)
        plain[plain.indexOf(least)] = next
      }
    }
  },
)
