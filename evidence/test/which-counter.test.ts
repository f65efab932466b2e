// The committed result says what the page "Which counter?" says. Kills: a loss left out, a result of another run.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { WhichCounter } from '../which-counter/ask.ts'

const file = new URL('../which-counter/result.json', import.meta.url)
const result = JSON.parse(readFileSync(file, 'utf8')) as WhichCounter
const row = (name: string) => result.rows.find(({ by }) => by.includes(name))!

it('counts alone are better and faster with frequentItems, in no more bytes; signs are for heavyHitters', () => {
  const [items, heavy] = [row('frequentItems'), row('heavyHitters')]
  expect(items.bytes).toBeLessThanOrEqual(heavy.bytes)
  expect(items.ones[0]).toBe(1)
  expect(items.ones[1]).toBeLessThan(heavy.ones[1])
  expect(items.speed).toBeGreaterThan(2 * heavy.speed)
  expect([items.signed, heavy.signed !== undefined]).toEqual([undefined, true])
  expect(heavy.signed![0]).toBeGreaterThan(0.9)
})
