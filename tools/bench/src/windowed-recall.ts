/**
 * Asks the small model, as a graph, for needles, with an eighth of the tokens held: by the cache that onnxruntime bounds itself (sliding_window_cache), by a window
 * of ours, and by auto. `node src/windowed-recall.ts` writes windowed-recall.json and the table of docs/your-model.md; `node src/windowed-recall.ts table` only the table.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { autoStream } from '@sublinear/attention'
import { exactStream } from '@sublinear/exact-attention'
import { sinks, tiers, window } from '@sublinear/kv-cache'
import { filesInMemory, onnxModel, type HeadSpec } from '@sublinear/onnx'
import { languageModel, needlePrompt, needleReads, readThroughLater, type Reads } from '@sublinear/small-lm'
import * as ort from 'onnxruntime-node'
import { smallModel } from '../../../packages/onnx/test/models/small-model.ts'

const [TOKENS, SHARE, TRIALS, DISTRACTORS, SEED] = [2048, 8, 6, 4, 1]
const DEPTHS = [0.1, 0.3, 0.5, 0.7, 0.95]
const HELD = TOKENS / SHARE
const session = { intraOpNumThreads: 1, extra: { session: { intra_op: { allow_spinning: '0' } } } }

interface Recall {
  readonly by: string
  /** Right answers by depth, of `trials`. */
  readonly right: readonly number[]
}
export interface Recalls {
  readonly tokens: number
  readonly held: number
  readonly trials: number
  readonly depths: readonly number[]
  readonly recalls: readonly Recall[]
}

const root = new URL('../../../', import.meta.url)
const RESULT = new URL('tools/bench/windowed-recall.json', root)
const PAGE = new URL('docs/your-model.md', root)

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const share = (right: number, of: number) => `${right} of ${of}`
const one = (id: number) => new ort.Tensor('int64', BigInt64Array.of(BigInt(id)), [1, 1])

/** The table of a result. */
export function recallTable({ tokens, held, trials, depths, recalls }: Recalls): string {
  return [
    line(['held by', ...depths.map((depth) => `depth ${depth}`), 'all']),
    line(Array.from({ length: depths.length + 2 }, () => '---')),
    ...recalls.map(({ by, right }) =>
      line([
        by,
        ...right.map((own) => share(own, trials)),
        share(
          right.reduce((sum, own) => sum + own, 0),
          trials * depths.length,
        ),
      ]),
    ),
    '',
    `Needles remembered of ${trials} prompts of ${tokens} tokens, ${held} of them held: \`node tools/bench/src/windowed-recall.ts\`.`,
  ].join('\n')
}

/** A page with its table made anew. */
export function withRecall(page: string, result: Recalls): string {
  return page.replace(
    /(<!-- windowed-recall -->\n).*?(<!-- \/windowed-recall -->)/s,
    (_, open: string, close: string) => `${open}\n${recallTable(result)}\n\n${close}`,
  )
}

export const readRecalls = (): Recalls => JSON.parse(readFileSync(RESULT, 'utf8'))

/** Logits of all given tokens, rows × vocabulary, from a reader that goes on. */
interface Going extends Disposable {
  read(
    ids: ArrayLike<number>,
    logits: 'all' | 'last' | 'none',
  ): Promise<{ rows: number; cols: number; data: Float32Array }>
}

/** The whole graph, whose caches onnxruntime keeps at so many tokens: past and present are the same arrays. */
function ring(run: ort.InferenceSession, vocabulary: number): Going {
  const past: Record<string, ort.Tensor> = {}
  for (const own of run.inputMetadata)
    if (own.isTensor && own.name.startsWith('past')) {
      const [, heads, , d] = own.shape.map(Number)
      past[own.name] = new ort.Tensor('float32', new Float32Array(heads * HELD * d), [1, heads, HELD, d])
    }
  const fetches = {
    logits: null,
    ...Object.fromEntries(
      Object.entries(past).map(([name, held]) => [name.replace('past_key_values', 'present'), held]),
    ),
  }
  let tokens = 0
  let previous = -1
  return {
    async read(ids, logits) {
      const rows = logits === 'none' ? 0 : ids.length
      const data = new Float32Array(rows * vocabulary)
      for (let i = 0; i < ids.length; i++) {
        tokens++
        const attention_mask = new ort.Tensor('int64', new BigInt64Array(tokens).fill(1n), [1, tokens])
        const feeds = { input_ids: one(ids[i]), previous_ids: one(previous), attention_mask, ...past }
        const out = await run.run(feeds, fetches)
        previous = ids[i]
        if (rows > 0) data.set(out['logits'].data as Float32Array, i * vocabulary)
      }
      return { rows, cols: vocabulary, data }
    },
    [Symbol.dispose]() {},
  }
}

async function measured(): Promise<Recalls> {
  const small = new URL('packages/small-lm/data/', root)
  const model = languageModel(readFileSync(new URL('sharp.safetensors', small)))
  const haystack = model.tokenizer.encode(readFileSync(new URL('romans.txt', small), 'utf8'))
  const { vocabulary } = model.config
  const graph = (held?: number) => smallModel(model, 'gqa', TOKENS, held).files()['model.onnx']
  const opened = await onnxModel({ model: filesInMemory(graph()), ort, session })
  const windowed = await ort.InferenceSession.create(graph(HELD), session)
  const bytes = (shape: { d: number; dv: number }) => 4 * (shape.d + shape.dv) * HELD
  const segments = (stream: HeadSpec) => () => opened.reader({ stream })
  const kinds: Readonly<Record<string, () => Going>> = {
    'all tokens: segments, exact streams': segments(exactStream),
    'onnxruntime, sliding_window_cache, 1/8': () => ring(windowed, vocabulary),
    'segments, 4 sinks + window, 1/8': segments((shape) =>
      tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: HELD - 4 })] }),
    ),
    'segments, auto, 1/8': segments((shape) => autoStream({ ...shape, budgetBytes: bytes(shape), tokens: TOKENS })),
  }
  const recalls: Recall[] = []
  for (const [by, make] of Object.entries(kinds)) {
    const right = DEPTHS.map(() => 0)
    for (let trial = 0; trial < TRIALS; trial++) {
      const options = { tokenizer: model.tokenizer, haystack, tokens: TOKENS, depths: DEPTHS }
      const prompt = needlePrompt({ ...options, distractors: DISTRACTORS, seed: SEED, trial })
      using reader = make()
      const answers = await readThroughLater(needleReads(prompt) as Reads<readonly { isRight: boolean }[]>, reader)
      for (const [i, { isRight }] of answers.entries()) if (isRight) right[i]++
    }
    recalls.push({ by, right })
    console.log(by, right.join(' '))
  }
  await opened.release()
  await windowed.release()
  return { tokens: TOKENS, held: HELD, trials: TRIALS, depths: DEPTHS, recalls }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] !== 'table') writeFileSync(RESULT, `${JSON.stringify(await measured(), null, 2)}\n`)
  writeFileSync(PAGE, withRecall(readFileSync(PAGE, 'utf8'), readRecalls()))
}
