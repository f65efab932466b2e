import * as ort from 'onnxruntime-node'
import type { InferenceSession, Tensor } from 'onnxruntime-common'
import { describe, expect, it } from 'vitest'
import { keptOutputs } from '../src/kept-outputs'

// Outputs that are kept, by a runtime that gives back the tensors into which it wrote (onnxruntime-node 1.30 copies them). Kills: one tensor for a run and the next,
// which reads it; a tensor shared by outputs of other sizes, or by those that are read later; sharing where the runtime does not write into what it is given.

const run = (width: number, writes: boolean) => {
  const given: (Record<string, Tensor> | undefined)[] = []
  let times = 0
  const session = {
    async run(_feeds: object, into?: Record<string, Tensor>) {
      given.push(into)
      times++
      const made = { x: tensor(width), late: tensor(width) }
      if (!into || !writes) return made
      for (const { data } of Object.values(into)) (data as Float32Array).fill(times)
      return into
    },
  } as unknown as InferenceSession
  return { session, given }
}
const tensor = (width: number) => new ort.Tensor('float32', new Float32Array(width).fill(-1), [1, width])

describe('kept outputs', () => {
  it('share a tensor with the next run but one of the same sizes', async () => {
    const kept = keptOutputs()
    const runs = [4, 4, 4, 4, 5].map((width) => run(width, true))
    for (let round = 0; round < 3; round++)
      for (const [i, { session }] of runs.entries())
        await kept.run(session, {}, { key: `${i}`, shared: ['x'], turn: i % 2 })
    const [a, b, c, d, wide] = runs.map(({ given }) => given.at(-1)!)
    expect([c['x'] === a['x'], d['x'] === b['x'], a['x'] === b['x'], wide['x'] === a['x']]).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect(wide['x'].dims).toEqual([1, 5])
    expect(new Set([a, b, c, d].map(({ late }) => late)).size).toBe(4)
  })
  it('are new ones where the runtime does not write into what it is given, or nobody says that they may be kept', async () => {
    const kept = keptOutputs()
    const [one, other] = [run(4, false), run(4, true)]
    for (let round = 0; round < 4; round++) {
      await kept.run(one.session, {}, { key: 'one', shared: ['x'], turn: 0 })
      await kept.run(other.session, {})
    }
    expect(one.given.map(Boolean)).toEqual([false, true, false, false, false]) // the second was tried, and run again
    expect(other.given).toEqual([undefined, undefined, undefined, undefined])
  })
})
