/**
 * The search: every candidate on *Persuasion*, with words that nothing is judged on. Writes
 * search-<model>.json as it goes, and goes on from there. Rows of two lengths were
 * read before, to 36,950 tokens; two of them had a closure that forgets by a half-life, since left out.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { KEY_WORDS } from '@sublinear/small-lm'
import { HELD_OUT } from '../whole-models/prompt-sets.ts'
import { loadModel, textIds, type MODELS } from '../kit/text-captures.ts'
import { CANDIDATES } from './candidates.ts'
import { freshBits, longRead, SCORED } from './long-read.ts'
import { everything, specOf, type Stack } from './stacks.ts'

export interface Found {
  readonly budget: number
  readonly stack: Stack
  /** Most bytes of a head. */
  readonly bytes: number
  /** More bits per byte than a fresh reader, median of the windows after so many tokens. */
  readonly more: readonly number[]
  /** [right, asked] so many tokens back. */
  readonly right: readonly (readonly [number, number])[]
  readonly seconds: number
}

export const AFTER = [8192, 32_768, 98_304]
export const BACK = [1500, 10_000, 30_000]
const WINDOWS = 8
const TOKENS = 102_600
const NEEDLES = Array.from({ length: 16 }, (_, i) =>
  i < 8 ? { at: 500 + 250 * i, asked: BACK } : { at: 13_000 + 250 * (i - 8), asked: BACK.slice(0, 2) },
)

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}

/** Goes on where it stopped. */
export function search(name: (typeof MODELS)[number]): void {
  const model = loadModel(name)
  const ids = textIds(model, 'persuasion')
  const words = KEY_WORDS.filter((word) => !HELD_OUT.words!.includes(word))
  const starts = AFTER.map((after) => Array.from({ length: WINDOWS }, (_, i) => after + SCORED * i))
  const fresh = freshBits(model, everything, ids, starts.flat())
  const file = new URL(`search-${name}.json`, import.meta.url)
  const found: Found[] = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Found[]) : []
  for (const [budget, stacks] of Object.entries(CANDIDATES).toReversed())
    for (const stack of stacks) {
      const before = found.findIndex((one) => JSON.stringify(one.stack) === JSON.stringify(stack))
      if (found[before]?.more.length === AFTER.length) continue
      const start = process.cpuUsage()
      const read = longRead({
        model,
        stream: specOf(stack),
        ids,
        from: 0,
        tokens: TOKENS,
        needles: NEEDLES,
        words,
        seed: 1,
        windows: starts.flat(),
      })
      const gaps = read.bits.map((bits, i) => bits - fresh[i])
      const answers = read.answers.flat()
      const spent = process.cpuUsage(start)
      found.splice(before < 0 ? found.length : before, 1, {
        budget: Number(budget),
        stack,
        bytes: read.bytes.most / model.config.layers / model.config.heads,
        more: AFTER.map((_, i) => Number(median(gaps.slice(WINDOWS * i, WINDOWS * (i + 1))).toFixed(4))),
        right: BACK.map((back) => {
          const own = answers.filter(({ asked }) => asked === back)
          return [own.filter(({ isRight }) => isRight).length, own.length] as const
        }),
        seconds: Math.round((spent.user + spent.system) / 1e6),
      })
      writeFileSync(file, `${JSON.stringify(found, null, 1)}\n`)
      process.stderr.write(`${name} ${JSON.stringify(stack)}\n`)
    }
}
