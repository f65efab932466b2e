// The records of docs/attention.md, each executed as it stands there: an exact stream in ragged blocks against the oracle of the laws (float64, score by
// score), the first tokens and the last ones, beyond the window where there is one. The tables of frequencies against formulas written in another way.
// Kills: a record that is refused, a field that does nothing, a table of another length, base or factor, slopes of another head.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exactStream } from '@sublinear/attention'
import { rowsOf, type Shape } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { distance, headOracle, random } from '@sublinear/laws'
import { expect, test } from 'vitest'
import { examples } from '../examples.mjs'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = fileURLToPath(new URL('.generated-heads', import.meta.url))
const page = examples(root).find(({ name, code }) => name.startsWith('docs/attention.md') && code.includes('heads: '))!
mkdirSync(folder, { recursive: true })
const file = join(folder, 'heads.ts')
writeFileSync(file, `${page.code.replaceAll('globalThis.printed', 'void ')}\nexport { heads }\n`)
const { heads } = (await import(/* @vite-ignore */ file)) as { readonly heads: Record<string, Shape> }
rmSync(folder, { recursive: true, force: true })

test.each(Object.entries(heads))('%s', (_, shape) => {
  const { d, dv, slope, sinkLogit, window = 130, values: kind } = shape
  const list = [slope, sinkLogit].find((one) => Array.isArray(one)) as readonly number[] | undefined
  const groups = list?.length ?? 2
  const n = window + 30
  const [queries, keys] = [random(n * groups, d, 1, d > 256 ? 1 : 2), random(n, d, 2, d > 256 ? 1 : 2)]
  const values = kind ? { rows: n, cols: 0, data: new Float32Array(0) } : random(n, dv, 3)
  const stream = exactStream(shape)
  const out = new Float32Array(n * groups * dv)
  for (let from = 0, size = 1; from < n; size = (size * 7 + 3) % 700) {
    const to = Math.min(n, from + Math.max(1, size))
    const block = { keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) }
    out.set(normalise(stream.step(block, rowsOf(queries, from * groups, to * groups))).data, from * groups * dv)
    from = to
  }
  for (const first of [7, n - 2]) {
    const own = rowsOf(queries, first * groups, (first + 2) * groups)
    const got = out.subarray(first * groups * dv, (first + 2) * groups * dv)
    expect(distance(got, headOracle(shape, own, keys, values, groups, first))).toBeLessThan(2e-6)
    // Every field matters: without it the answers are others.
    for (const field of ['softcap', 'sinkLogit', 'slope', 'window', 'rotary'] as const) {
      if (shape[field] === undefined || (field === 'window' && first < window)) continue
      const { [field]: _, ...without } = shape
      const least = field === 'window' ? 1e-6 : 1e-5
      expect(distance(got, headOracle(without, own, keys, values, groups, first)), field).toBeGreaterThan(least)
    }
  }
})

test('tables: Llama 3.1’s and YaRN’s, pair by pair as their papers have them', () => {
  const llama = heads['Llama 3.1, 8B'].rotary!.scaling!
  expect(llama[0]).toBe(1)
  expect(llama[63]).toBeCloseTo(1 / 8, 12)
  for (const [i, factor] of llama.entries()) {
    const turns = 8192 / ((2 * Math.PI) / 5e5 ** (-i / 64)) // in a text of the length trained on
    const share = (turns - 1) / 3
    const wanted = turns > 4 ? 1 : turns < 1 ? 1 / 8 : (1 - share) / 8 + share
    expect(factor).toBeCloseTo(wanted, 12)
  }
  const yarn = heads['DeepSeek V3'].rotary!.scaling!
  expect(yarn.length).toBe(32)
  // Pairs 10 and 23 bound the ramp of base 10,000, width 64 and 4096 tokens: 32 turns and one.
  expect(yarn.slice(0, 11)).toEqual(Array.from({ length: 11 }, () => 1))
  for (let i = 23; i < 32; i++) expect(yarn[i]).toBeCloseTo(1 / 40, 12)
  expect(yarn[16]).toBeCloseTo((6 / 13) * (1 / 40) + 7 / 13, 12)
  expect(heads['DeepSeek V3'].scale).toBeCloseTo(0.13523, 5)
  expect(heads['BLOOM, 7B, and MPT, 7B: head 5 of 32'].slope).toBeCloseTo(2 ** -1.25, 12)
})
