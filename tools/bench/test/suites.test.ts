// Every suite sets up, on the streams and stores as they are now; the policies' calls are made once. Kills: a factory that was renamed or takes other
// options, a ratio against a case that is not there, a target without its case.
import { describe, expect, test } from 'vitest'
import { llamaInstalled } from '../src/peers/llama.ts'
import { suites } from '../src/suites/index.ts'
import { targets } from '../src/targets.ts'

/** Called once too: the streams and stores of tokens. */
const CALLED = new Set(['kv-cache', 'coded-tokens'])
/** Their cases read thousands of tokens to be set up: one of each group stands for the others. */
const HEAVY = new Set(['onnx', 'small-lm', 'llama', 'heads'])

/** Groups of one name but for its numbers differ in sizes alone: the smallest that has a case stands for the others. */
const alike = (name: string) => name.replaceAll(/\d+(?:[.,]\d+)*/g, '#')
const sizeOf = (name: string) =>
  Array.from(name.matchAll(/\d+/g), ([digits]) => Number(digits)).reduce((a, b) => a + b, 0)

describe.each(Object.entries(suites))('%s', (name, load) => {
  test('sets up', { timeout: 120_000 }, async () => {
    const suite = await load()
    expect(suite.name).toBe(name)
    const groups = suite.groups()
    const done = new Set<string>()
    for (const group of groups.toSorted((a, b) => sizeOf(a.name) - sizeOf(b.name))) {
      const names = group.cases.map((one) => one.name)
      expect(new Set(names).size).toBe(names.length)
      for (const [i, { name: own, against = [], setup }] of group.cases.entries()) {
        for (const other of against.flatMap((one) => (typeof one === 'string' ? one : one.of)))
          expect(names.slice(0, i), group.name).toContain(other)
        if (HEAVY.has(name) && i > 0) continue
        if (['llama', 'heads'].includes(name) && !llamaInstalled()) continue
        const key = `${alike(group.name)}: ${own}`
        if (done.has(key)) continue
        done.add(key)
        const work = await setup()
        if (CALLED.has(name) && 'run' in work) await work.run()
      }
    }
    for (const target of targets.filter((one) => one.suite === name)) {
      const matching = groups.filter((group) => target.groups.some((start) => group.name.startsWith(start)))
      expect(matching, target.id).not.toEqual([])
      for (const group of matching)
        for (const wanted of [target.case].flat())
          expect(
            group.cases.map((one) => one.name),
            target.id,
          ).toContain(wanted)
    }
  })
})
