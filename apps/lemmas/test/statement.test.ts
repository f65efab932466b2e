// What a page shows of a count. Kills: a setting out of range that is taken, a failure in a bar of what is within, an error that is no number counted as kept, a verdict by the wrong side.
import { expect, test } from 'vitest'
import { bins } from '../src/error-bars.ts'
import { count, settingsOf, statementOf, statements, together, verdict, written } from '../src/index.ts'

const ams = statementOf('ams-products')!

test('settings are the wanted ones where they are in range', () => {
  expect(settingsOf(ams)).toEqual({ epsilon: 0.2, rows: 1, angle: 0 })
  expect(settingsOf(ams, { epsilon: '0.3', rows: '7', angle: 'x', other: 1 })).toEqual({
    epsilon: 0.3,
    rows: 1,
    angle: 0,
  })
  for (const { controls } of statements)
    for (const { least, most, usual, names } of controls) {
      expect(usual).toBeGreaterThanOrEqual(least)
      expect(usual).toBeLessThanOrEqual(most)
      if (names) expect([least, most]).toEqual([0, names.length - 1])
    }
})

test('settings are written in the words of their control', () => {
  const [epsilon, rows, angle] = ams.controls
  expect([written(epsilon, 0.3), written(rows, 0.12), written(angle, 45)]).toEqual(['0.3', '12 %', '45°'])
  const walk = statementOf('halving')!.controls[0]
  expect([0, 3].map((value) => written(walk, value))).toEqual(['theory', 'uniform'])
  expect(statementOf('nothing')).toBeUndefined()
})

test('failures are errors above the bound, and those that are no number', () => {
  const ready = { facts: 'f', trial: (seed: number) => [0.5, 1, 1.01, NaN, 3][seed - 1] }
  const all = count(ready, 1, 5)
  expect([all.trials, all.failures]).toEqual([5, 3])
  expect(together(count(ready, 1, 2), count(ready, 3, 3))).toEqual(all)
  const counts = bins(all.errors)
  expect(counts.slice(0, 10).reduce((a, b) => a + b)).toBe(2)
  expect(counts.slice(10).reduce((a, b) => a + b)).toBe(3)
})

const found = (failures: number) => verdict(ams, { facts: '', trials: 400, failures, errors: [] })

test('a verdict says what was counted and what is allowed', () => {
  expect(found(40)).toBe('40 failures in 400 trials with fresh matrices, 10 %; allowed: 10 %. ✓ within the statement')
  expect(found(41)).toContain('✗ more than the statement allows')
  expect(verdict(statementOf('feature-degree')!, { facts: '', trials: 4000, failures: 1, errors: [] })).toContain(
    'allowed: none. ✗',
  )
})
