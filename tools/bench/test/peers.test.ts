// Peers compute what we do. Kills: a peer without its mask or scale, keys in another order, a timing of something else.
import { exactAttention } from '@sublinear/exact-attention'
import { describe, expect, test } from 'vitest'
import { scalarAttention } from '../src/baselines/attention.ts'
import { onnxruntimeAttention } from '../src/peers/onnxruntime.ts'
import { tfjsAttention } from '../src/peers/tfjs.ts'
import { jobOf } from '../src/suites/exact-attention.ts'

// A timing of a peer that computes something else is worthless: every peer answers as we do, to 1e-4.
describe.each([false, true])('causal %s', (causal) => {
  const job = jobOf(100, causal)
  const ours = exactAttention(job).data

  test.each([
    ['onnxruntime-node', async () => await onnxruntimeAttention(job)],
    ['tfjs-wasm, keys transposed', async () => await tfjsAttention(job, 'transposed')],
    ['tfjs-wasm, transposeB', async () => await tfjsAttention(job, 'flag')],
    ['plain JS', async () => () => scalarAttention(job).data],
  ])('%s agrees with exactAttention', async (_, prepare) => {
    const run = await prepare()
    const theirs = await run()
    expect(theirs.length).toBe(ours.length)
    expect(Math.max(...ours.map((value, i) => Math.abs(value - theirs[i])))).toBeLessThan(1e-4)
  })
})
