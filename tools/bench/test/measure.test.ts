// How a number is made. Kills: quartiles off by one, cases that run one after the other instead of in turns, wall time, ratios upside down, a target of a group that
// only begins like the named one.
import { describe, expect, test } from 'vitest'
import { cpuTime, measureGroup } from '../src/measure.ts'
import { spread } from '../src/statistics.ts'
import { timed } from '../src/suite.ts'
import { judge, type Target } from '../src/targets.ts'

describe('measuring', () => {
  test('quartiles lie between order statistics', () => {
    expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, p25: 1.75, p75: 3.25 })
    expect(spread([7])).toEqual({ median: 7, p25: 7, p75: 7 })
  })

  // 10 ms and 30 ms of CPU time a call: a ratio of 3 however busy the machine is, half as much work a call makes it 1.5.
  test('cases take turns, on the CPU clock, and ratios compare work', async () => {
    const order: string[] = []
    const burn = (name: string, milliseconds: number) => () => {
      order.push(name)
      for (const end = cpuTime() + milliseconds; cpuTime() < end;);
    }
    const group = await measureGroup(
      {
        name: 'burning',
        unit: { name: 'ms', of: 'row', count: 2 },
        cases: [
          { ...timed('slow', burn('slow', 30)), operations: 2e6 },
          { ...timed('fast', burn('fast', 15), ['slow']), operations: 1e6 },
          timed('faster', burn('faster', 13), ['slow', { name: 'the fastest', of: ['slow', 'fast'] }]),
          { name: 'measured', setup: () => ({ measure: () => 8 }) },
        ],
      },
      3,
    )
    expect(order.slice(-9)).toEqual(Array.from({ length: 3 }, () => ['slow', 'fast', 'faster']).flat())
    const [slow, fast, faster, measured] = group.cases
    expect(slow.median).toBeGreaterThan(14)
    expect(slow.median).toBeLessThan(25)
    expect(slow.gigaflops).toBeCloseTo(2e6 / (2 * slow.median * 1e6), 6)
    expect(fast.ratios?.['slow'].median).toBeGreaterThan(0.8)
    expect(fast.ratios?.['slow'].median).toBeLessThan(1.2)
    expect(faster.ratios?.['slow'].median).toBeGreaterThan(1.8)
    expect(faster.ratios?.['the fastest'].median).toBeLessThan(1.6)
    expect(measured.median).toBe(4)
    expect(group.unit).toBe('ms/row')
  })

  const target: Target = { id: 'x', suite: 's', claim: 'c', groups: ['full', 'causal, n = 1'], case: 'ours' }
  const groups = [
    ['full', 1],
    ['causal, n = 1', 2],
    ['causal, n = 10', 6],
    ['causal, n = 2', 100],
  ].map(([name, ratio]) => ({
    name: String(name),
    unit: 'ms',
    rounds: 1,
    cases: [
      { name: 'theirs', calls: 1, ...spread([5]) },
      { name: 'ours', calls: 1, ...spread([7]), ratios: { theirs: spread([Number(ratio)]) } },
    ],
  }))

  test('a target takes the median over its groups and says PASS or MISS', () => {
    const verdict = (more: Partial<Target>) => judge('s', groups, [{ ...target, ...more }])[0]
    expect(verdict({ times: 'theirs', atLeast: 2 })).toMatchObject({ measured: 2, bound: '≥ 2', verdict: 'PASS' })
    expect(verdict({ times: 'theirs', atLeast: 2.1 })).toMatchObject({ measured: 2, verdict: 'MISS' })
    expect(verdict({ times: 'theirs', atMost: 1.9 })).toMatchObject({ bound: '≤ 1.9', verdict: 'MISS' })
    expect(verdict({ over: 'theirs', atMost: 2 })).toMatchObject({ measured: 2, verdict: 'PASS' })
    expect(verdict({ atMost: 6 })).toMatchObject({ measured: 7, verdict: 'MISS' })
    expect(judge('another suite', groups, [target])).toEqual([])
  })

  test('a target that reads what is not there is refused', () => {
    expect(() => judge('s', groups, [{ ...target, case: 'nothing' }])).toThrow('no case nothing')
    expect(() => judge('s', groups, [{ ...target, times: 'nothing' }])).toThrow('no ratio against nothing')
    expect(() => judge('s', groups, [{ ...target, groups: ['nothing'] }])).toThrow('no group')
  })
})
