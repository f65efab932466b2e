import { autoStream } from '@sublinear/attention'
import { exactStream } from '@sublinear/exact-attention'
import { sinks, tiers, window } from '@sublinear/kv-cache'
import { onnxModel, type HeadSpec, type OnnxModel } from '@sublinear/onnx'
import { filesInFolder } from '@sublinear/onnx/node'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { graphBuilder } from '../../../../packages/onnx/test/models/graph-builder.ts'
import { llama } from '../../../../packages/onnx/test/models/llama.ts'
import { wholeGraph } from '../../../../packages/onnx/test/models/whole-graph.ts'
import { childScript, peakMemory } from '../child.ts'
import { cpuTime } from '../measure.ts'
import type { Case, Group, Suite } from '../suite.ts'

const DECODED = [512, 2048, 8192]
const READ = [512, 8192]
const REMEMBERED = [2048, 8192, 32_768]
/** Tokens from which on memory is measured without exact streams: reading so many takes minutes. */
const LONG = 32_768
const BLOCK = 256
const VOCABULARY = 4096
/** Name of the contestant in which onnxruntime runs the whole graph with its cache. */
const WHOLE = 'onnxruntime, whole graph, growing cache'
const EXACT = 'segments, exact streams'
const AUTO = 'segments, auto, 1/8'
/** Options without spinning threads, whose waiting would count as CPU time. */
const session = { intraOpNumThreads: 1, extra: { session: { intra_op: { allow_spinning: '0' } } } }

const streams: Readonly<Record<string, HeadSpec>> = {
  [EXACT]: exactStream,
  'segments, 4 sinks + window 252': (shape) =>
    tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 252 })] }),
}
/** A stream that chooses its method, in an eighth of the bytes of n tokens. */
const autoOf =
  (n: number): HeadSpec =>
  (shape) =>
    autoStream({ ...shape, budgetBytes: (4 * (shape.d + shape.dv) * n) / 8, tokens: n })
/** Names of the contestants in the script of the other process. */
const KINDS: Readonly<Record<string, string>> = {
  [WHOLE]: 'whole',
  [EXACT]: 'exact',
  'segments, 4 sinks + window 252': 'window',
}

/** A decoder with random weights: 8 layers, 8 heads over 2, d = 64, 28 million weights in float32, GroupQueryAttention. */
export const suite: Suite = {
  name: 'onnx',
  rounds: 3,
  groups: () => {
    const path = written()
    return [
      ...DECODED.map((n) => decoding(path, n)),
      ...READ.map((n) => reading(path, n)),
      opening(path),
      segment(),
      ...REMEMBERED.map((n) => memory(path, n)),
    ]
  },
}

function written(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sublinear-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const shape = {
    layers: 8,
    width: 512,
    heads: 8,
    kvHeads: 2,
    d: 64,
    hidden: 1536,
    vocabulary: VOCABULARY,
    places: 33_000,
  }
  const files = llama({ dialect: 'gqa', ...shape }).files({ data: 'weights.bin' })
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes)
  return join(folder, 'model.onnx')
}

const ids = (count: number, from = 0) => Array.from({ length: count }, (_, i) => ((from + i) * 7919) % VOCABULARY)

/** The model, opened once for all groups. */
let opened: Promise<OnnxModel> | undefined
const open = (path: string) => (opened ??= onnxModel({ model: filesInFolder(path), ort, session }))

/** Tokens of one call: so many that a collection of garbage does not decide. */
const DECODED_AT_ONCE = 16
/** Tokens decoded before, so that compiled code is measured. */
const WARM = 48

async function times(count: number, read: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await read()
}

/** Decoding of one token at a time with its logits, after n tokens. */
function decoding(path: string, n: number): Group {
  return {
    name: `decoding from ${n} tokens on`,
    unit: { name: 'µs', of: 'token', count: DECODED_AT_ONCE },
    cases: [
      {
        name: WHOLE,
        setup: async () => {
          const whole = await wholeGraph(path, session)
          for (let at = 0; at < n; at += BLOCK) await whole.read(ids(BLOCK, at))
          await times(WARM, () => whole.read([1]))
          return { run: () => times(DECODED_AT_ONCE, () => whole.read([1])) }
        },
      },
      ...Object.entries(streams).map(([name, stream]): Case => ({
        name,
        against: [WHOLE],
        setup: async () => {
          const reader = (await open(path)).reader({ stream })
          await reader.read(ids(n), 'none')
          await times(WARM, () => reader.read([1], 'last'))
          return { run: () => times(DECODED_AT_ONCE, () => reader.read([1], 'last')) }
        },
      })),
    ],
  }
}

async function cpuOf(read: () => Promise<unknown>): Promise<number> {
  const start = cpuTime()
  await read()
  return cpuTime() - start
}

/** Reading of a text from its first token on, in blocks of 256. */
function reading(path: string, n: number): Group {
  return {
    name: `reading ${n} tokens from the first`,
    unit: { name: 'µs', of: 'token', count: n },
    cases: [
      {
        name: WHOLE,
        setup: () => ({
          measure: async () => {
            const whole = await wholeGraph(path, session)
            const spent = await cpuOf(async () => {
              for (let at = 0; at < n; at += BLOCK) await whole.read(ids(BLOCK, at))
            })
            await whole.session.release()
            return spent
          },
        }),
      },
      ...Object.entries({ ...streams, [AUTO]: autoOf(n) }).map(([name, stream]): Case => ({
        name,
        against: name === AUTO ? [WHOLE, EXACT] : [WHOLE],
        setup: async () => {
          const model = await open(path)
          return {
            measure: () => {
              const reader = model.reader({ stream })
              return cpuOf(() => reader.read(ids(n), 'last')).finally(() => reader[Symbol.dispose]())
            },
          }
        },
      })),
    ],
  }
}

function opening(path: string): Group {
  return {
    name: 'opening',
    unit: { name: 'ms' },
    cases: [
      { name: WHOLE, setup: () => ({ run: async () => (await wholeGraph(path, session)).session.release() }) },
      ...(['packed', 'mapped'] as const).map((kind): Case => ({
        name: `segments, ${kind}, with the check`,
        against: [WHOLE],
        setup: () => ({
          run: async () => (await onnxModel({ model: filesInFolder(path), ort, session, memory: kind })).release(),
        }),
      })),
    ],
  }
}

/** A run of a session that adds two rows and writes into tensors that it is given: what each segment costs beside its work. */
function segment(): Group {
  const WIDTH = 512
  const setup = async () => {
    const b = graphBuilder()
    const inputs = ['x', 'y'].map((name) => b.input(name, 'f32', [1, 's', WIDTH]))
    b.op('Add', inputs, {}, 'sum')
    b.output('sum', 'f32', [1, 's', WIDTH])
    const run = await ort.InferenceSession.create(b.files()['model.onnx'], session)
    const row = () => new ort.Tensor('float32', new Float32Array(WIDTH).fill(1), [1, 1, WIDTH])
    const [feeds, made] = [{ x: row(), y: row() }, { sum: row() }]
    return { run: () => times(SEGMENTS, () => run.run(feeds, made)) }
  }
  return {
    name: 'a run of a session with one sum',
    unit: { name: 'µs', of: 'segment', count: SEGMENTS },
    cases: [{ name: 'onnxruntime', setup }],
  }
}

/** Runs of one call. */
const SEGMENTS = 32

/** Peak memory of a process that opens the model and reads n tokens. */
function memory(path: string, n: number): Group {
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
