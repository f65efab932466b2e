// Where attention lies, and what suits which kind of head: committed results against one head measured again, and against what is written
// from them. Kills: rows that see the future (effective keys of head 1.1 from 1.0 to 40), sinks counted as recent, keys not centred, errors
// under another stream's name, sections, pictures or figures of `inspect` edited by hand.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { modelBoard } from '../board/ask.ts'
import { resultOf, withAnswer, type Experiment, pageText } from '../kit/experiment.ts'
import { methodsNamed } from '../kit/methods-named.ts'
import { figures, METHODS, regimes } from '../regimes/ask.ts'
import { sparsityStructure, structureOf } from '../sparsity-structure/ask.ts'
import { capturedHeads } from '../kit/text-captures.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

/** e^entropy. */
const entropy = (shares: readonly number[]) => Math.exp(-shares.reduce((sum, p) => sum + p * Math.log(p), 0))

test('sections, pictures and the figures of inspect say what the results say', () => {
  const isShown = <Result>(experiment: Experiment<Result>) => {
    const result = resultOf(experiment)
    expect(withAnswer(pageText(experiment), experiment, result), experiment.name).toBe(pageText(experiment))
    expect(experiment.picture?.(result), experiment.name).toBe(read(`../${experiment.name}/picture.svg`))
  }
  isShown(sparsityStructure)
  isShown(regimes)
  expect(JSON.parse(read('../../apps/cli/src/regime-figures.json'))).toEqual(figures(resultOf(regimes)))
})

describe('the structure of a row', () => {
  test('is that of a softmax in plain words, on three keys', () => {
    const scores = [0, Math.log(2), Math.log(5)].map((s) => s * Math.SQRT2)
    const keys = { rows: 3, cols: 2, data: Float32Array.from(scores.flatMap((s) => [s, 0])) }
    const queries = { rows: 3, cols: 2, data: Float32Array.from([1, 0, 1, 0, 1, 0]) }
    const { effectiveKeys, top, sinks, recent, far } = structureOf({ name: '0.0', queries, keys, values: keys }, [1, 2])
    // Row 1 sees masses 1 : 2, row 2 sees 1 : 2 : 5.
    const want = (entropy([1 / 3, 2 / 3]) + entropy([1 / 8, 2 / 8, 5 / 8])) / 2
    expect(effectiveKeys).toBeCloseTo(want, 5)
    expect(top[0]).toBeCloseTo((2 / 3 + 5 / 8) / 2, 5)
    expect([top[1], sinks, recent, far]).toEqual([1, 1, 1, 0].map((x) => expect.closeTo(x, 5)))
  })

  test('comes again for a sharp head and a diffuse one', () => {
    const kept = resultOf(sparsityStructure)
    const heads = capturedHeads({ model: 'sharp', text: 'persuasion', tokens: 4096 })
    for (const name of ['0.0', '1.1']) {
      const head = heads.find((one) => one.name === name)!
      const { effectiveKeys, sinks, recent, far } = structureOf(head)
      const own = kept.find((one) => one.model === 'sharp' && one.head === name)!
      expect(effectiveKeys / own.effectiveKeys).toBeCloseTo(1, 3)
      for (const [got, want] of [
        [sinks, own.sinks],
        [recent, own.recent],
        [far, own.far],
      ] as const)
        expect(got).toBeCloseTo(want, 3)
    }
  })
})

describe('kinds of heads', () => {
  test('are all three there, and sharp heads are those of the upper layers of the sharp model', () => {
    const all = resultOf(regimes)
    expect(all).toHaveLength(32)
    for (const { model, head, regime } of all) {
      const want =
        model === 'bounded' ? 'bounded and diffuse' : head.startsWith('0.') ? 'diffuse with far keys' : 'sharp'
      expect(regime, `${model} ${head}`).toBe(want)
    }
  })

  test('one head has the same errors again', async () => {
    const heads = capturedHeads({ model: 'bounded', text: 'romans', tokens: 4096 })
    const head = heads.find(({ name }) => name === '2.1')!
    const kept = resultOf(regimes).find((one) => one.model === 'bounded' && one.head === '2.1')!
    for (const method of methodsNamed('auto', 'farClosure', 'streamingLlm')) {
      const { rows } = await modelBoard('bounded', [head], [method], ['1/8'])
      const want = kept.errors[1][METHODS.indexOf(method)]!
      expect(rows[0].errors[0]! / want, method.name).toBeCloseTo(1, 3)
    }
  })
})
