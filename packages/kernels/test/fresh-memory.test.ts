// New arrays are 0, whatever lay there before, though memory that was never used is not written. Kills: a mark of fresh memory that is not raised by scratch, or
// lowered below what was used, by memory that was reserved between or given back in another order.
import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { Arena } from '../src/arena'
import type { Resident } from '../src/index'

const step = fc.record({
  what: fc.constantFrom('make', 'make', 'reserve', 'scratch', 'dispose'),
  bytes: fc.integer({ min: 0, max: 70_000 }),
  pick: fc.nat(),
  isWritten: fc.boolean(),
})

const ones = (bytes: number) => new Uint8Array(bytes).fill(1)

test.prop([fc.array(step, { maxLength: 60 })], { seed: 91, numRuns: 200 })('a new array is 0', (steps) => {
  const arena = new Arena()
  const kept: Resident<Uint8Array>[] = []
  for (const { what, bytes, pick, isWritten } of steps) {
    if (what === 'make') {
      const made = arena.bytes(bytes)
      if (isWritten) {
        expect(made.read().every((x) => x === 0)).toBe(true)
        made.write(ones(bytes))
      }
      kept.push(made)
    } else if (what === 'reserve') arena.bytes(bytes)[Symbol.dispose]()
    else if (what === 'scratch') {
      const at = arena.take(bytes)
      arena.u8.fill(1, at, at + bytes)
      arena.give(at, bytes)
    } else if (kept.length > 0) kept.splice(pick % kept.length, 1)[0][Symbol.dispose]()
  }
  const last = arena.bytes(200_000)
  expect(last.read().every((x) => x === 0)).toBe(true)
})
