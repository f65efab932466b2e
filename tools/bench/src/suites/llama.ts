import { readFileSync } from 'node:fs'
import { emptyPartial, type AttentionStream } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { autoStream, catalogue } from '@sublinear/attention'
import { farKeys, quantisedStream, sinks, streamingLlm, tiers, window } from '@sublinear/kv-cache'
import { languageModel, logits, reader, type HeadSpec, type LanguageModel } from '@sublinear/small-lm'
import { closureStream } from '@sublinear/streaming-attention'
import { quantised } from '@sublinear/token-store'
import { cpuTime } from '../measure.ts'
import {
  FASTEST_LLAMA,
  LLAMA_4_BITS,
  LLAMA_8_BITS,
  LLAMA_F16,
  llamaContext,
  llamaMissing,
  type LlamaContext,
  type LlamaKind,
} from '../peers/llama.ts'
import { smallLmGguf, type SmallLmGguf } from '../peers/small-lm-gguf.ts'
import type { Case, Group, Suite } from '../suite.ts'

const CONTEXT = 2048
/** Tokens decoded in one sample; samples follow one another, so that all streams grow alike. */
const TOKENS = 64
const ROUNDS = 5
const LONGEST = CONTEXT + (ROUNDS + 3) * TOKENS
/** Different tokens in the text, which repeats them: llama.cpp gets a row of its embedding for each pair of neighbours. */
const PERIOD = 1000
/**
 * Tokens whose logits are compared before anything is timed, and the greatest difference that they may have: llama.cpp rounds what it multiplies to float16.
 */
const COMPARED = 128
const AGREEMENT = 0.05

export const suite: Suite = {
  name: 'llama',
  rounds: ROUNDS,
  missing: llamaMissing,
  groups: () => {
    const weights = readFileSync(data('sharp.safetensors'))
    const model = languageModel(weights)
    const text = textOf(model)
    const theirs = smallLmGguf(weights, text)
    return [readingGroup(model, text, theirs), decodingGroup(model, text, theirs)]
  },
}

/** The text that both sides read: 1000 tokens of a novel again and again. */
export function textOf({ tokenizer: { bos, encode } }: LanguageModel): Uint16Array {
  const own = encode(readFileSync(data('persuasion.txt')).subarray(0, 8 * PERIOD))
  return Uint16Array.from({ length: LONGEST }, (_, i) => (i === 0 ? bos : own[(i - 1) % PERIOD]))
}

const data = (file: string) => new URL(`../../../../packages/small-lm/data/${file}`, import.meta.url)

export const EXACT = 'exact'
export const BOUNDED: Readonly<Record<string, HeadSpec>> = {
  'streamingLlm 256': streamingLlm({ count: 256 }),
  'streamingLlm 1024 in 8/8 bits': streamingLlm({ count: 1024, store: quantised({ keyBits: 8, valueBits: 8 }) }),
  '4 sinks + window 252, as tiers': (shape) =>
    tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 252 })] }),
  '256 far keys + closure': (shape) => tiers({ ...shape, parts: [farKeys({ count: 256 }), closureStream] }),
  'auto, 64 KiB a head': (shape) => autoStream({ ...shape, budgetBytes: 65_536, tokens: Infinity }, catalogue),
}
const ours: Readonly<Record<string, HeadSpec>> = {
  'heads that do nothing': silent,
  [EXACT]: exactStream,
  'all tokens in 8/8 bits': quantisedStream({ keyBits: 8, valueBits: 8 }),
  ...BOUNDED,
}

/** A stream that answers nothing, for the cost of the model without attention. */
function silent(shape: Parameters<HeadSpec>[0]): AttentionStream {
  const step: AttentionStream['step'] = (_, queries) => emptyPartial(queries.rows, shape.dv)
  return { ...shape, tokens: 0, bytes: 0, merging: 'none', step } as Partial<AttentionStream> as AttentionStream
}

/** Reading of a text from its first token on. */
function readingGroup(model: LanguageModel, text: Uint16Array, peer: SmallLmGguf): Group {
  const theirs = [...LLAMA_F16, LLAMA_8_BITS[0]]
  return {
    name: `reading ${CONTEXT} tokens from the first`,
    unit: { name: 'µs', of: 'token', count: CONTEXT },
    cases: [
      ...theirs.map((kind) =>
        llamaCase(model, text, peer, kind, async (context) => {
          await context.keep(0)
          return await context.read(peer.ids.subarray(0, CONTEXT))
        }),
      ),
      ...Object.entries(ours).map(([name, stream]) => ({
        name,
        against: [FASTEST_LLAMA, ...(name in BOUNDED ? [EXACT] : [])],
        setup: () => ({
          run: () => {
            const run = reader({ model, stream })
            run.read(text.subarray(0, CONTEXT), 'last')
            run[Symbol.dispose]()
          },
        }),
      })),
    ],
  }
}

/** Decoding of one token at a time with its logits, from 2048 on. */
function decodingGroup(model: LanguageModel, text: Uint16Array, peer: SmallLmGguf): Group {
  const theirs = [...LLAMA_F16, ...LLAMA_8_BITS, ...LLAMA_4_BITS]
  return {
    name: `decoding from ${CONTEXT} tokens on`,
    unit: { name: 'µs', of: 'token', count: TOKENS },
    cases: [
      ...theirs.map((kind) => {
        let at = 0
        return llamaCase(model, text, peer, kind, async (context) => {
          if (at === 0) {
            await context.keep(0)
            await context.read(peer.ids.subarray(0, (at = CONTEXT)))
          }
          return await context.decode(peer.ids.subarray(at, (at += TOKENS)))
        })
      }),
      ...Object.entries(ours).map(([name, stream]) => ({
        name,
        against: [FASTEST_LLAMA, ...(name in BOUNDED ? [EXACT] : [])],
        setup: () => {
          const run = reader({ model, stream })
          run.read(text.subarray(0, CONTEXT), 'none')
          const measure = () => {
            const start = cpuTime()
            for (let i = 0; i < TOKENS; i++) run.read([text[run.tokens]], 'last')
            return cpuTime() - start
          }
          measure()
          return { measure }
        },
      })),
    ],
  }
}

/** A case of llama.cpp, once its logits have been compared with this package's; its measurement runs once before, to warm up. */
function llamaCase(
  model: LanguageModel,
  text: Uint16Array,
  { file, ids }: SmallLmGguf,
  { name, ...options }: LlamaKind,
  time: (context: LlamaContext) => Promise<number>,
): Case {
  return {
    name,
    setup: async () => {
      const context = await llamaContext({ model: file, ...options, tokens: Math.ceil(LONGEST / 256) * 256 })
      if (options.cache === 'f16') {
        const wanted = logits({ model, stream: exactStream, ids: text.subarray(0, COMPARED) }).data
        const theirs = await context.logits(ids.subarray(0, COMPARED), model.config.vocabulary)
        const worst = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0)
        if (!(worst <= AGREEMENT)) throw new Error(`${name}: logits differ from ours by ${worst}`)
      }
      await time(context)
      return { measure: () => time(context) }
    },
  }
}
