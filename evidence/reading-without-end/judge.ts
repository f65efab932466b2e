/**
 * The judgement: the stacks that the search chose, exact attention and windows, on texts and words that nothing was chosen
 * by. Writes <model>.json read by read; what stands there is not read again.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { HeadSpec } from '@sublinear/small-lm'
import { HELD_OUT } from '../whole-models/prompt-sets.ts'
import { loadModel, type MODELS } from '../kit/text-captures.ts'
import { CHOSEN } from './chosen.ts'
import { freshBits, longRead, SCORED, type Needle } from './long-read.ts'
import { everything, sinksAndWindow, specOf, windowOnly } from './stacks.ts'

export const TEXTS = ['moby-dick-later', 'state-of-the-union'] as const
export const AFTER = [8192, 32_768, 98_304] as const
export const BACK = [1500, 3000, 6000, 10_000, 20_000, 40_000, 60_000] as const
export const WINDOWS = 8
/**
 * Short reads of a text: 9 needles near its start, asked for up to 10,000 tokens later, and then 9 others, asked for 1,500 later. In
 * exact attention's, the others came at 10,000, before the first were asked for.
 */
const SHORT = 6
const SHORT_BACK = BACK.slice(0, 4)
const NEEDLES = 9
/** Tokens of memory of 128 kB a head, in float32. */
const WINDOW = 500

export type Kind = 'fresh' | 'long' | 'short'

/** Result of one read. */
export interface Row {
  readonly stream: string
  readonly text: (typeof TEXTS)[number]
  readonly kind: Kind
  /** Number of the short text. */
  readonly part: number
  /** Bytes of a head: the most and the least after 4096 tokens. */
  readonly bytes: readonly [number, number]
  /** Bits by AFTER, a window each. */
  readonly bits: readonly (readonly number[])[]
  /** [needle's place in the list, tokens back, right]. */
  readonly answers: readonly (readonly [number, number, 0 | 1])[]
  readonly seconds: number
}

interface Job {
  readonly stream: string
  readonly spec: HeadSpec
  readonly kind: Kind
  readonly text: Row['text']
  readonly part?: number
  /** How far it goes. */
  readonly tokens?: number
}

const TO_THE_END = 102_700
const TO_60_000 = 62_600
/** Windows forget, and exact attention is slow: the first windows scored, and the first needles. */
const TO_8000 = 12_400
const TO_12_000 = 15_300
const TO_3000 = 3800
/** Short reads of a text by exact attention that go as far as the others: it is slow, and answers next to nothing there. */
const EXACT = 1
const startsOf = (after: number) => Array.from({ length: WINDOWS }, (_, i) => after + SCORED * i)
const needlesAt = (first: number, count: number, asked: readonly number[]): Needle[] =>
  Array.from({ length: count }, (_, i) => ({ at: first + 200 * i, asked }))

function jobs(): Job[] {
  const stacks = Object.entries(CHOSEN).map(([bytes, stack]) => ({ stream: `endless, ${Number(bytes) / 1000} kB`, spec: specOf(stack) })) // prettier-ignore
  const [largest, ...others] = stacks.toReversed()
  const exact = { stream: 'exact', spec: everything }
  const [moby] = TEXTS
  const short = (one: typeof exact, far: number, near: number): Job[] =>
    TEXTS.flatMap((text) =>
      Array.from({ length: SHORT }, (_, part) => ({
        ...one,
        kind: 'short' as const,
        text,
        part,
        tokens: part < far ? TO_12_000 : near,
      })),
    )
  const long = (one: typeof exact, texts: readonly Row['text'][], tokens: number): Job[] =>
    texts.map((text) => ({ ...one, kind: 'long' as const, text, tokens }))
  return [
    ...TEXTS.map((text) => ({ ...exact, kind: 'fresh' as const, text })),
    ...long(largest, [moby], TO_THE_END),
    ...short(exact, EXACT, TO_3000),
    ...short(largest, SHORT, TO_12_000),
    ...long(largest, TEXTS.slice(1), TO_THE_END),
    ...long({ stream: 'window', spec: windowOnly(WINDOW) }, [moby], TO_8000),
    ...long({ stream: 'sinks and window', spec: sinksAndWindow(WINDOW) }, [moby], TO_8000),
    ...long(exact, [moby], TO_8000),
    ...others.flatMap((one) => long(one, [moby], TO_60_000)),
  ]
}

/** Goes on where it stopped. */
export function judge(name: (typeof MODELS)[number]): void {
  const model = loadModel(name)
  const heads = model.config.layers * model.config.heads
  const file = new URL(`${name}.json`, import.meta.url)
  const rows: Row[] = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Row[]) : []
  for (const { stream, spec, kind, text, part = 0, tokens = 0 } of jobs()) {
    if (rows.some((row) => row.stream === stream && row.kind === kind && row.text === text && row.part === part))
      continue
    const ids = model.tokenizer.encode(readFileSync(new URL(`../kit/texts/${text}.txt`, import.meta.url)))
    const before = process.cpuUsage()
    const wanted = AFTER.filter((after) => kind === 'fresh' || (kind === 'long' && after + WINDOWS * SCORED < tokens))
    const starts = wanted.flatMap(startsOf)
    const read =
      kind === 'fresh'
        ? { bits: freshBits(model, spec, ids, starts), answers: [], bytes: { most: 0, least: 0 } }
        : longRead({
            model,
            stream: spec,
            ids,
            from: kind === 'long' ? 0 : 4000 + 9000 * part,
            tokens,
            needles:
              kind === 'long'
                ? [...needlesAt(300, 8, BACK), ...needlesAt(25_000, 8, stream === 'exact' ? BACK.slice(0, 3) : BACK)]
                : [
                    ...needlesAt(300, NEEDLES, SHORT_BACK),
                    ...needlesAt(stream === 'exact' ? 10_000 : 12_100, NEEDLES, BACK.slice(0, 1)),
                  ],
            words: HELD_OUT.words!,
            seed: 2,
            windows: starts,
          })
    const spent = process.cpuUsage(before)
    rows.push({
      stream,
      text,
      kind,
      part,
      bytes: [read.bytes.most / heads, read.bytes.least / heads],
      bits: wanted.map((_, i) =>
        read.bits.slice(WINDOWS * i, WINDOWS * (i + 1)).map((bits) => Number(bits.toFixed(4))),
      ),
      answers: read.answers.flatMap((own, needle) =>
        own.map(({ asked, isRight }) => [needle, asked, isRight ? 1 : 0] as const),
      ),
      seconds: Math.round((spent.user + spent.system) / 1e6),
    })
    writeFileSync(file, `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`)
    process.stderr.write(`${name}: ${stream}, ${kind}, ${text}, ${part}\n`)
  }
}
