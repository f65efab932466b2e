// The code that the page gives away builds the stream that it names. Kills: a budget of other units, an option that is lost or turned into text, a name that is imported
// and not there, a kind told from the wrong rows, a spread of e^-entropy.
import { catalogue, createStream, plan } from '@sublinear/attention'
import type { AttentionStream } from '@sublinear/core'
import { describe, expect, it } from 'vitest'
import { kindOf } from '../src/heads/head-kind'
import { methodCode, recipeCode } from '../src/heads/recipe-code'
import { sampleHead } from '../src/heads/sample-head'

/** Runs the code on the sources; only its import is put aside. */
function run(code: string): AttentionStream {
  const [, names] = /^import \{ (\w+) \} from '@sublinear\/attention'\n/.exec(code)!
  expect(['catalogue', 'createStream']).toContain(names)
  const body = code.replace(/^import .*\n/, '')
  return new Function('catalogue', 'createStream', `${body}\nreturn stream`)(catalogue, createStream) as AttentionStream
}

const first = (kind: 'peaked' | 'diffuse', rows: number) => {
  const { queries, keys, values } = sampleHead(kind)
  const cut = (all: typeof keys) => ({ rows, cols: all.cols, data: all.data.slice(0, rows * all.cols) })
  return { queries: cut(queries), keys: cut(keys), values: cut(values) }
}

describe('the code of the page', () => {
  it('builds each method within an eighth of the cache', () => {
    const head = first('peaked', 512)
    for (const name of ['quantised', 'auto', 'farClosure', 'clusters', 'snapKv', 'closure']) {
      const bytes = (4 * 64 * 512) / 8
      const shape = { rows: 512, d: 32, dv: 32 }
      const fits = catalogue
        .find((one) => one.name === name)!
        .within({ d: 32, dv: 32, scale: 1 / Math.sqrt(32) }, bytes, { tokens: 512 })
      if (!fits) continue
      const stream = run(methodCode(name, shape))
      stream.step(head, head.queries)
      expect([name, stream.tokens, stream.bytes <= bytes]).toEqual([name, 512, true])
    }
  })

  it('builds the recipe, whatever its options are', async () => {
    const head = first('diffuse', 512)
    const shape = { d: 32, dv: 32, scale: 1 / Math.sqrt(32) }
    const made = await plan({ methods: catalogue, ...shape, tokens: 512, budgetBytes: 16_384, pilot: head })
    const [own, same] = [run(recipeCode(made)), createStream(made)]
    for (const stream of [own, same]) stream.step(head, head.queries)
    expect(own.toBytes()).toEqual(same.toBytes())
  })
})

describe('the kind of a head', () => {
  it('is told by its last queries', () => {
    expect(kindOf(sampleHead('diffuse'), 256).kind).toBe('bounded and diffuse')
    expect(kindOf(sampleHead('peaked'), 256).kind).toBe('sharp')
    const hopeless = kindOf(sampleHead('hopeless'), 256)
    expect(hopeless.kind).toBe('sharp')
    expect(hopeless.peak).toBeGreaterThan(0.5)
  })

  it('spreads over as many tokens as are alike', () => {
    const keys = { rows: 400, cols: 1, data: Float32Array.from({ length: 400 }, (_, i) => (i < 8 ? 20 : 0)) }
    const queries = { rows: 400, cols: 1, data: new Float32Array(400).fill(1) }
    const { effectiveKeys, peak, largestScore } = kindOf({ queries, keys }, 40)
    expect(effectiveKeys).toBeCloseTo(8, 3)
    expect(peak).toBeCloseTo(1 / 8, 5)
    expect(largestScore).toBe(20)
  })
})
