import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childScript, runNode } from '../child.ts'
import { writeHalfBillion } from '../half-billion.ts'
import type { Group, Suite } from '../suite.ts'

const TOKENS = [8192, 2048, 32_768]
const WHOLE = 'onnxruntime, whole graph, growing cache'
/** Contestants, and their names in the script of the other process. All but the first and the exact one hold an eighth of the tokens. */
const KINDS: Readonly<Record<string, string>> = {
  [WHOLE]: 'whole',
  'onnxruntime, sliding_window_cache, 1/8': 'ring',
  'segments, exact streams': 'exact',
  'segments, 4 sinks + window, 1/8': 'window',
  'segments, auto, 1/8': 'auto',
}

/** A decoder with half a billion random weights in four bits, behind caches of random rows. */
export const suite: Suite = {
  name: 'onnx-decoder',
  rounds: 3,
  groups: () => TOKENS.flatMap((n) => [decoding(n), memory(n)]),
}

/** The model's folder, written when a case first measures. */
let written: string | undefined
function folder(): string {
  if (written === undefined) {
    written = process.env['HALF_BILLION'] ?? temporary() // a folder that half-billion.ts wrote before
    writeHalfBillion(
      written,
      TOKENS.map((n) => n / 8),
    )
  }
  return written
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sublinear-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Peaks of the processes whose decoding was timed: the table of memory takes them. */
const peaks = new Map<string, number[]>()

/** Decoding of one token at a time with its logits, on one thread. */
function decoding(n: number): Group {
  return {
    name: `decoding behind ${n} tokens`,
    unit: { name: 'ms', of: 'token', rate: true },
    cases: contestants(n, (kind) => {
      const preload = new URL('../children/report-peak.mjs', import.meta.url).href
      const { peak, µs } = runNode(['--import', preload, childScript('onnx-decoder'), folder(), String(n), kind])
      peaks.set(`${n} ${kind}`, [...(peaks.get(`${n} ${kind}`) ?? []), peak])
      return µs / 1000
    }),
  }
}

/** Peak memory of the processes whose decoding was timed, the cache that they are given included. */
function memory(n: number): Group {
  return {
    name: `peak memory of decoding behind ${n} tokens`,
    unit: { name: 'MB' },
    cases: contestants(n, (kind) => {
      const found = peaks.get(`${n} ${kind}`)?.shift()
      if (found === undefined) throw new Error('memory is that of the processes that were timed: time them first')
      return found
    }),
  }
}

/** Cases of the contestants; `auto` stands only at 2048 tokens, since filling it with more takes minutes. */
function contestants(n: number, measure: (kind: string) => number): Group['cases'] {
  return Object.entries(KINDS)
    .filter(([, kind]) => kind !== 'auto' || n <= 2048)
    .map(([name, kind]) => ({
      name,
      ...(name !== WHOLE && { against: [WHOLE] }),
      setup: () => ({ measure: () => measure(kind) }),
    }))
}
