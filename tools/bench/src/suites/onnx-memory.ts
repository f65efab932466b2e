import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childScript, peakMemory } from '../child.ts'
import { writeHalfBillion } from '../half-billion.ts'
import { EXACT, randomDecoder, WHOLE, WINDOW } from '../random-decoder.ts'
import type { Group, Suite } from '../suite.ts'

const READ = [2048, 8192, 32_768]
/** Tokens from which on exact streams are not measured: reading so many takes minutes. */
const LONG = 32_768
/** Names of the contestants in the script of the other process. */
const KINDS: Readonly<Record<string, string>> = { [WHOLE]: 'whole', [EXACT]: 'exact', [WINDOW]: 'window' }

/** Peak memory of processes that open a decoder and read so many tokens, the whole graph beside its segments. */
export const suite: Suite = {
  name: 'onnx-memory',
  rounds: 3,
  groups: () => {
    const path = randomDecoder()
    return [
      opening('28 million float32 weights', () => path),
      opening('28 million float32 weights in WebAssembly', () => path, 'web'),
      opening('half a billion weights in four bits', () => join(halfBillion(), 'model.onnx')),
      ...READ.map((n) => reading(path, n)),
    ]
  },
}

/** Ways of opening by segments, and their names in the scripts. */
const OPENED = { 'with the check': 'with', 'check remembered': 'known', 'without the check': 'without' } as const

/** Opening by onnxruntime-node, or by onnxruntime-web, which holds the files as arrays. */
function opening(what: string, path: () => string, runtime: 'node' | 'web' = 'node'): Group {
  const peak = (kind: 'whole' | 'prove' | (typeof OPENED)[keyof typeof OPENED]) =>
    runtime === 'web'
      ? peakMemory(childScript('onnx-web'), path(), kind)
      : peakMemory(childScript('onnx'), path(), 0, ...(kind === 'whole' ? [kind] : ['exact', kind]))
  return {
    name: `peak memory of opening ${what}`,
    unit: { name: 'MB' },
    cases: [
      { name: WHOLE, setup: () => ({ measure: () => peak('whole') }) },
      ...Object.entries(OPENED).map(([name, kind]) => ({
        name: `segments, ${name}`,
        against: [WHOLE],
        setup: () => {
          if (kind === 'known') peak('prove') // keeps a proof for the processes that are measured
          return { measure: () => peak(kind) }
        },
      })),
    ],
  }
}

function reading(path: string, n: number): Group {
  return {
    name: `peak memory of opening and reading ${n} tokens`,
    unit: { name: 'MB' },
    cases: Object.entries(KINDS)
      .filter(([name]) => n < LONG || name !== EXACT)
      .map(([name, kind]) => ({
        name,
        ...(name !== WHOLE && { against: [WHOLE] }),
        setup: () => ({ measure: () => peakMemory(childScript('onnx'), path, n, kind) }),
      })),
  }
}

/** The folder of the large decoder: one that half-billion.ts wrote before, or a temporary one, written when a case first measures. */
let written: string | undefined
function halfBillion(): string {
  if (written !== undefined) return written
  const before = process.env['HALF_BILLION']
  written = before ?? mkdtempSync(join(tmpdir(), 'sublinear-bench-'))
  const made = written
  if (before === undefined) process.on('exit', () => rmSync(made, { recursive: true, force: true }))
  writeHalfBillion(written)
  return written
}
