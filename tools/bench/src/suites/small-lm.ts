import { readFileSync } from 'node:fs'
import { autoStream } from '@sublinear/attention'
import { exactStream } from '@sublinear/exact-attention'
import { farKeys, sinks, tiers, window } from '@sublinear/kv-cache'
import { languageModel, reader, type HeadSpec, type LanguageModel } from '@sublinear/small-lm'
import { closureStream } from '@sublinear/streaming-attention'
import { childScript, peakMemory, runNode } from '../child.ts'
import { timed, type Group, type Suite } from '../suite.ts'

const CONTEXT = 2048
const BLOCK = 128
const LENGTHS = [2048, 16_384, 65_536]

export const suite: Suite = {
  name: 'small-lm',
  rounds: 3,
  groups: () => {
    const model = languageModel(readFileSync(data('sharp.safetensors')))
    const text = model.tokenizer.encode(readFileSync(data('persuasion.txt')))
    return [
      prefillGroup(model, text),
      decodingGroup(model, text),
      ...Object.entries(bounded).map(([name, stream]) => lengthGroup(model, text, name, stream)),
      coldGroup(64),
      coldGroup(CONTEXT),
      memoryGroup('4 sinks + window 252'),
      memoryGroup('256 far keys + closure'),
    ]
  },
}

const bounded: Readonly<Record<string, HeadSpec>> = {
  '4 sinks + window 252': (shape) => tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 252 })] }),
  '256 far keys + closure': (shape) => tiers({ ...shape, parts: [farKeys({ count: 256 }), closureStream] }),
}
const streams: Readonly<Record<string, HeadSpec>> = {
  exact: exactStream,
  ...bounded,
  'auto, 64 KiB a head': (shape) => autoStream({ ...shape, budgetBytes: 65_536, tokens: Infinity }),
}

const data = (file: string) => new URL(`../../../../packages/small-lm/data/${file}`, import.meta.url)

/** Reading of a text from its first token on: 2048 tokens, 16 heads. */
function prefillGroup(model: LanguageModel, text: Uint16Array): Group {
  const ids = text.subarray(0, CONTEXT)
  return {
    name: `reading ${CONTEXT} tokens from the first`,
    unit: { name: 'µs', of: 'token', count: CONTEXT },
    cases: Object.entries(streams).map(([name, stream]) =>
      timed(
        name,
        () => {
          const run = reader({ model, stream })
          run.read(ids, 'last')
          run[Symbol.dispose]()
        },
        name === 'exact' ? [] : ['exact'],
      ),
    ),
  }
}

/** Decoding of one token at a time with its logits, after 2048. */
function decodingGroup(model: LanguageModel, text: Uint16Array): Group {
  return {
    name: `decoding from ${CONTEXT} tokens on`,
    unit: { name: 'µs', of: 'token' },
    cases: Object.entries(streams).map(([name, stream]) => ({
      name,
      against: name === 'exact' ? [] : ['exact'],
      setup: () => {
        const run = reader({ model, stream })
        run.read(text.subarray(0, CONTEXT), 'none')
        return { run: () => run.read([text[run.tokens]], 'last') }
      },
    })),
  }
}

/** Blocks in the middle of a long text: they show whether a token takes longer the more were read before. */
function lengthGroup(model: LanguageModel, text: Uint16Array, name: string, stream: HeadSpec): Group {
  return {
    name: `reading on after n tokens, ${name}`,
    unit: { name: 'µs', of: 'token', count: BLOCK },
    cases: LENGTHS.map((n, i) => ({
      name: `n = ${n}`,
      against: i === 0 ? [] : [`n = ${LENGTHS[0]}`],
      setup: () => {
        const run = reader({ model, stream })
        run.read(text.subarray(0, n), 'none')
        return { run: () => run.read(text.subarray(0, BLOCK), 'none') }
      },
    })),
  }
}

/** The first 64 tokens that a process decodes, against later ones of the same process, after a prompt. */
function coldGroup(prompt: number): Group {
  let times = { first: 0, later: 0 }
  return {
    name: `decoding 64 tokens after ${prompt} in a fresh process, exact`,
    unit: { name: 'µs', of: 'token' },
    cases: [
      {
        name: 'the first of the process',
        setup: () => ({
          measure: () => {
            times = runNode([childScript('cold-decoding'), String(prompt)]) as typeof times
            return times.first
          },
        }),
      },
      { name: 'later ones', against: ['the first of the process'], setup: () => ({ measure: () => times.later }) },
    ],
  }
}

/** Peak memory of a process that reads n tokens, 128 at a time. */
function memoryGroup(name: keyof typeof KINDS): Group {
  return {
    name: `peak memory of reading, ${name}`,
    unit: { name: 'MB' },
    cases: [LENGTHS[0], LENGTHS.at(-1)!].map((n) => ({
      name: `n = ${n}`,
      setup: () => ({ measure: () => peakMemory(childScript('small-lm'), n, KINDS[name]) }),
    })),
  }
}

/** Names that the streams have in the script of the other process. */
const KINDS = { '4 sinks + window 252': 'window', '256 far keys + closure': 'far' } as const
