// Heads of models that nobody here trained, and what the committed board says of them. Kills: a closure that answers worse than its mean token on the head whose logits
// reach 47 (2.3 where the mean has 1.1), a stream without a recipe that is far behind its ingredients, a page that its result does not give,
// a kind of questions measured anew that overwrites the other, a target that is missed, a recipe that errs more than none on a head where it does not yet.
import { exactAttention, normalise, closureStream, meanStream } from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import { farKeys, tiers } from '@sublinear/kv-cache'
import { describe, expect, it } from 'vitest'
import { pageText, resultOf } from '../kit/experiment.ts'
import {
  GROUPS,
  INGREDIENTS,
  kinds,
  lost,
  METHODS,
  NAMED,
  ofHead,
  ratioOf,
  reached,
  table,
  withAnew,
} from '../kinds/ask.ts'
import { relativeError } from '../kit/trivial-answers.ts'

const group = (name: string) => GROUPS.find((one) => one.name === name)!
/** OCR head 3. */
const sharpest = group('OCR').heads('chosen on')[1]
const scale = 1 / Math.sqrt(15)

describe('the head whose logits reach 47', () => {
  it.each([
    [0, 1.1, 1.2],
    [64, 1.8, 0.7], // tails of scores are thinner there than any that a reach knows of: still better than answering zero
    [256, 1.8, 0.7],
  ])('a closure behind %i far keys is at most %f times as far off as a mean token', (count, times, most) => {
    const block = { keys: rowsOf(sharpest.keys, 0, 1792), values: rowsOf(sharpest.values, 0, 1792) }
    const queries = rowsOf(sharpest.queries, 1792, 2048)
    const exact = exactAttention({ queries, ...block, scale })
    const [closure, mean] = [closureStream, meanStream].map((rest) => {
      const shape = { d: 15, dv: 15, scale }
      const stream = count > 0 ? tiers({ ...shape, parts: [farKeys({ count }), rest] }) : rest(shape)
      stream.push(block)
      return relativeError(normalise(stream.attend(queries)), exact)
    })
    expect(closure).toBeLessThan(times * mean)
    expect(closure).toBeLessThan(most)
  })

  it('a stream that learns comes near what suits it, in an eighth of the cache', async () => {
    const found = await ofHead(sharpest, group('OCR'), 8, ['first tokens', ...INGREDIENTS])
    const best = Math.min(...INGREDIENTS.map((name) => found[name]?.later ?? Infinity))
    expect(found['first tokens']!.later).toBeLessThan(1.8 * best)
    expect(found['first tokens']!.chosen).toBeDefined()
  })
})

const result = resultOf(kinds)
const cell = (method: string, at: { readonly group: string; readonly share: number }) =>
  result.rows.find((row) => row.method === method && row.group === at.group && row.share === at.share)

/** Heads and places where a recipe errs more than none by more than 3 %, though it did not on the pilot. */
const LOST = [
  'sharp 1.2, 1/16, causal: own pilot, slow too',
  'encoder 0.2, 1/8, later: own pilot',
  'encoder 0.2, 1/16, later: own pilot',
  'encoder 0.2, 1/32, later: own pilot',
  'encoder 0.0, 1/8, causal: own pilot',
  'encoder 0.2, 1/16, causal: own pilot',
  'encoder 0.2, 1/16, later: own pilot, slow too',
  'encoder 0.2, 1/32, later: own pilot, slow too',
]

describe('the committed board', () => {
  it('is on its page', () => {
    expect(pageText(kinds)).toContain(table(result, 'later'))
    expect(pageText(kinds)).toContain(table(result, 'causal'))
    expect(pageText(kinds)).toContain(reached(result))
    expect(new Set(result.rows.map(({ method }) => method))).toEqual(new Set(METHODS))
    expect(Object.keys(NAMED).every((name) => result.rows.some(({ method }) => method === name))).toBe(true)
  })
  it('first tokens stay within 1.4 of the best single ingredient in three cells of four, and never at twice its error', () => {
    const ratios = GROUPS.flatMap(({ name, shares }) =>
      shares.flatMap((share) =>
        (['later', 'causal'] as const).map(
          (asked) => ratioOf('first tokens', { group: name, share }, asked, cell)!.mean,
        ),
      ),
    )
    expect(ratios.filter((ratio) => ratio <= 1.4).length).toBeGreaterThan(0.75 * ratios.length)
    expect(Math.max(...ratios)).toBeLessThan(2)
  })
  it('keeps rows of methods that are not measured anew, and their order', () => {
    const [one, other] = [result.rows[1], result.rows.at(-1)!]
    const anew = result.rows.filter(({ method }) => method === one.method).map((row) => ({ ...row, later: [7] }))
    const found = withAnew(result, { heads: result.heads, rows: anew })
    expect(found.rows.map(({ method }) => method)).toEqual(result.rows.map(({ method }) => method))
    expect(found.rows.filter(({ later }) => later[0] === 7).length).toBe(anew.length)
    expect(found.rows.at(-1)).toEqual(other)
    const { later: _, ...causal } = { ...one, causal: [9] }
    const half = withAnew(result, { heads: result.heads, rows: [causal] }).rows[1]
    expect([half.later, half.causal]).toEqual([one.later, [9]])
  })
  it('a recipe reaches every target', () => {
    expect(reached(result).match(/^\| [a-zA-Z]+, 1\/.*\|$/gm)).toHaveLength(14)
    expect(reached(result)).not.toMatch(/\| (\*\*no|no,)/)
  })
  it('a recipe errs 3 % more than none on a few heads alone', () => {
    expect(lost(result)).toEqual(LOST)
  })
  it('a recipe that may be slow errs less than one that may not, in twelve places of sixteen', () => {
    const better = GROUPS.flatMap(({ name, shares }) =>
      shares.filter((share) => {
        const [slow, quick] = ['own pilot, slow too', 'own pilot'].map((method) =>
          cell(method, { group: name, share })!.later.reduce<number>((sum, error) => sum + error!, 0),
        )
        return slow < 0.98 * quick
      }),
    )
    expect(better.length).toBeGreaterThanOrEqual(12)
  })
})
