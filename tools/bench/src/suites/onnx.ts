import { autoStream } from '@sublinear/attention'
import { exactStream } from '@sublinear/exact-attention'
import { sinks, tiers, window } from '@sublinear/kv-cache'
import { onnxModel, type HeadSpec, type OnnxModel, type OnnxModelOptions } from '@sublinear/onnx'
import { filesInFolder } from '@sublinear/onnx/node'
import * as ort from 'onnxruntime-node'
import { graphBuilder } from '../../../../packages/onnx/test/models/graph-builder.ts'
import { wholeGraph } from '../../../../packages/onnx/test/models/whole-graph.ts'
import { cpuTime } from '../measure.ts'
import { EXACT, randomDecoder, VOCABULARY, WHOLE, WINDOW } from '../random-decoder.ts'
import type { Case, Group, Suite } from '../suite.ts'

const DECODED = [512, 2048, 8192]
const READ = [512, 8192]
const BLOCK = 256
const AUTO = 'segments, auto, 1/8'
/** Options without spinning threads, whose waiting would count as CPU time. */
const session = { intraOpNumThreads: 1, extra: { session: { intra_op: { allow_spinning: '0' } } } }

const streams: Readonly<Record<string, HeadSpec>> = {
  [EXACT]: exactStream,
  [WINDOW]: (shape) => tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 252 })] }),
}
/** A stream that chooses its method, in an eighth of the bytes of n tokens. */
const autoOf =
  (n: number): HeadSpec =>
  (shape) =>
    autoStream({ ...shape, budgetBytes: (4 * (shape.d + shape.dv) * n) / 8, tokens: n })
/** A decoder with random weights: 8 layers, 8 heads over 2, d = 64, 28 million weights in float32, GroupQueryAttention. */
export const suite: Suite = {
  name: 'onnx',
  rounds: 3,
  groups: () => {
    const path = randomDecoder()
    return [...DECODED.map((n) => decoding(path, n)), ...READ.map((n) => reading(path, n)), opening(path), segment()]
  },
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

interface Opening extends Pick<OnnxModelOptions, 'memory' | 'check'> {
  readonly name: string
  /** Whether the proof of an opening before is given. */
  readonly isKnown?: boolean | undefined
}
const OPENED: readonly Opening[] = [
  { name: 'segments, packed, with the check', memory: 'packed' },
  { name: 'segments, packed, check remembered', memory: 'packed', isKnown: true },
  { name: 'segments, packed, without', memory: 'packed', check: false },
  { name: 'segments, mapped, with the check', memory: 'mapped' },
  { name: 'segments, mapped, without', memory: 'mapped', check: false },
]

/** The proof of an opening that was checked. */
async function provenBefore(path: string): Promise<string | undefined> {
  const model = await onnxModel({ model: filesInFolder(path), ort, session })
  await model.release()
  return model.proof
}

function opening(path: string): Group {
  return {
    name: 'opening',
    unit: { name: 'ms' },
    cases: [
      { name: WHOLE, setup: () => ({ run: async () => (await wholeGraph(path, session)).session.release() }) },
      ...OPENED.map(({ name, isKnown, ...how }): Case => ({
        name,
        against: [WHOLE],
        setup: async () => {
          const known = isKnown ? { check: await provenBefore(path) } : {}
          return {
            run: async () =>
              (await onnxModel({ model: filesInFolder(path), ort, session, ...how, ...known })).release(),
          }
        },
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
