// The first tokens of a stream that learns, and how its stacks are judged by them. Truth: bytes of stores that were filled, queries by their places in plain lists, errors
// of streams that were given the tokens one by one, against exact attention.
// Kills: a budget that holds fewer or more first tokens than have room, bits that are not the finest, a query of another token or head of its group, queries that stay where tokens
// came without any, tokens taken back without their queries, errors of one kind of question alone, the trend of the wrong half or for the wrong number of tokens.
import { rowsOf, tokensOf, type Matrix } from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { random } from '@sublinear/laws'
import { describe, expect, it, test } from 'vitest'
import { builtStack, countsAtRate, countsWithin, learns, type Stack } from '../src'
import { checkSpare, firstTokens, learningWithin, restoreFirstTokens } from '../src/stack/first-tokens'
import { chosenStack, trialOf, type OwnPilot } from '../src/stack/own-trial'
import { methods, shape, stackOf, told } from './stack-lines'

const { d, dv } = shape
const block = (rows: number, seed = 1) => ({ keys: random(rows, d, seed), values: random(rows, dv, seed + 1) })
const learning = { tokens: 100, bits: 8 }

const groups = 3
const partial = (rows: number) => ({ max: new Float32Array(rows).fill(-Infinity), mass: new Float64Array(rows), sum: { rows, cols: dv, data: new Float32Array(rows * dv) } }) // prettier-ignore
const near = (got: Matrix, wanted: (row: number) => Float32Array) => {
  for (let r = 0; r < got.rows; r++)
    for (let c = 0; c < got.cols; c++) expect(Math.abs(got.data[r * got.cols + c] - wanted(r)[c])).toBeLessThan(0.05)
}
/** Bytes of so many first tokens in these bits, as they are when the last has come. */
const bytesOf = (tokens: number, bits: number, weighted = false) => {
  using first = firstTokens(shape, { tokens, bits })
  const weights = Float32Array.from({ length: tokens }, (_, i) => (weighted ? 1 + (i % 2) : 1))
  first.step({ ...block(tokens), ...(weighted && { weights }) }, random(tokens, d, 3), { max: new Float32Array(tokens).fill(-Infinity), mass: new Float64Array(tokens), sum: { rows: tokens, cols: dv, data: new Float32Array(tokens * dv) } }) // prettier-ignore
  return first.bytes
}
/** A store that was given the tokens in pieces, the first `silent` without queries. */
const given = (pieces: readonly number[], silent = 0, all = block(90), queries = random(90 * groups, d, 5)) => {
  const first = firstTokens(shape, learning)
  let from = 0
  if (silent > 0) first.push(tokensOf(all, 0, (from = silent)))
  for (const piece of pieces) {
    const asked = rowsOf(queries, from * groups, (from + piece) * groups)
    first.step(tokensOf(all, from, from + piece), asked, partial(piece * groups))
    from += piece
  }
  return first
}
const at = (tokens: number, budgetBytes = 9000) => learningWithin({ ...shape, budgetBytes, weighted: false, tokens })

describe('first tokens', () => {
  it('are as many as have room in the finest bits that hold 256, and 512 at most', () => {
    const found = new Set<string>()
    for (let budgetBytes = 1000; budgetBytes < 16_000; budgetBytes += 500)
      for (const weighted of [false, true]) {
        const own = learningWithin({ ...shape, budgetBytes, weighted, tokens: 1e6 })
        if (!own) {
          expect(bytesOf(64, 5, weighted)).toBeGreaterThan(budgetBytes)
          continue
        }
        found.add(`${own.bits}`)
        expect(own.tokens).toBeGreaterThanOrEqual(64)
        expect(own.tokens).toBeLessThanOrEqual(512)
        expect(bytesOf(own.tokens, own.bits, weighted)).toBeLessThanOrEqual(budgetBytes)
        if (own.tokens < 512) expect(bytesOf(own.tokens + 9, own.bits, weighted)).toBeGreaterThan(budgetBytes)
        if (own.bits < 8) expect(bytesOf(256 + 8, own.bits + 1, weighted)).toBeGreaterThan(budgetBytes)
        if (own.bits > 5) expect(own.tokens).toBeGreaterThanOrEqual(256)
      }
    expect([...found].toSorted()).toEqual(['5', '6', '7', '8'])
  })

  it('are none where all tokens to come have room, or fewer than 64 do', () => {
    const { tokens } = at(Infinity)!
    expect(at(tokens)).toBeUndefined()
    expect(at(tokens + 1)).toEqual(at(Infinity))
    const least = Array.from({ length: 3000 }, (_, i) => 500 + i).find((bytes) => at(Infinity, bytes))!
    expect(at(Infinity, least)).toEqual({ bits: 5, tokens: 72 }) // 8 wait, whose room is there from the first on
  })

  it.each([[[90]], [[1, 1, 30, 58]], [[40, 50]]])(
    'have one query each, of one head of its group after the other, however they come: %o',
    (pieces) => {
      const [all, queries] = [block(90), random(90 * groups, d, 5)]
      const first = given(pieces)
      const [one] = first.blocks()
      expect(first.blocks().length).toBe(1)
      expect([first.tokens, first.room, one.queries!.rows]).toEqual([90, 10, 90])
      near(one.block.keys, (r) => all.keys.data.subarray(r * d, r * d + d))
      near(one.block.values, (r) => all.values.data.subarray(r * dv, r * dv + dv))
      near(one.queries!, (r) => queries.data.subarray((r * groups + (r % groups)) * d, (r * groups + (r % groups) + 1) * d)) // prettier-ignore
      expect(first.bytes).toBe(first.parts().held.bytes + first.parts().asked.bytes)
    },
  )

  it('that come without queries are a block of their own, and end the queries before them', () => {
    const first = given([40, 30], 20)
    const [silent, asked] = first.blocks()
    expect([silent.block.keys.rows, silent.queries, asked.block.keys.rows, asked.queries!.rows]).toEqual([20, undefined, 70, 70]) // prettier-ignore
    first.push(block(5))
    expect(first.blocks().map((one) => [one.block.keys.rows, one.queries])).toEqual([[95, undefined]])
    expect(first.chosen(stackOf('farKeys 1 6/4 | mean'), { ...shape, budgetBytes: 8000, weighted: false, tokens: 4000 }, methods)).toBeUndefined() // prettier-ignore
    expect(firstTokens(shape, learning).blocks()).toEqual([])
  })

  it('can be taken back with their queries, as many as both allow, and as there is room', () => {
    const first = given([28, 3])
    const before = given([28])
    expect(first.spare).toBeLessThanOrEqual(first.room)
    first.takeBack(3)
    expect([first.tokens, first.parts().asked.tokens]).toEqual([28, 28])
    for (const part of ['held', 'asked'] as const)
      expect(first.parts()[part].toBytes()).toEqual(before.parts()[part].toBytes())
    expect(given([89]).spare).toBeLessThanOrEqual(11)
    const silent = given([], 31)
    silent.takeBack(1)
    expect([silent.tokens, silent.parts().asked.tokens]).toEqual([30, 0])
    const some = given([1], 30)
    some.takeBack(1)
    expect([some.tokens, some.parts().asked.tokens]).toEqual([30, 0])
    expect(() => checkSpare('x', { spare: 3 }, 4)).toThrow(new RangeError('x: can take back at most 3 tokens now, got 4')) // prettier-ignore
    expect(() => checkSpare('x', { spare: 3 }, 3)).not.toThrow()
  })

  it('go on from their parts, which must fit each other', () => {
    const first = given([40, 30], 20)
    const saved = (one = first) => ({ held: one.parts().held.toBytes(), asked: one.parts().asked.toBytes() })
    const back = restoreFirstTokens('x', shape, learning, saved())
    const copy = first.fork()
    for (const one of [back, copy]) {
      one.push(block(3))
      expect(saved(one).held).not.toEqual(saved().held)
      expect([one.tokens, first.tokens]).toEqual([93, 90])
    }
    expect(saved(back)).toEqual(saved(copy))
    const other = firstTokens(shape, { tokens: 100, bits: 7 })
    const few = given([30])
    for (const [parts, sizes] of [
      [{ ...saved(), asked: saved(other).asked }, learning],
      [{ ...saved(), held: saved(other).held }, learning],
      [{ ...saved(few), asked: saved(given([31])).asked }, learning],
      [saved(), { tokens: 89, bits: 8 }],
      [saved(), { tokens: 100, bits: 6 }],
    ] as const)
      expect(() => restoreFirstTokens('x', shape, sizes, parts)).toThrow(RangeError)
    expect(() => restoreFirstTokens('x', shape, { tokens: 90, bits: 8 }, saved())).not.toThrow()
  })
})

/** Tokens with queries of the last of them; few keys are asked for. */
const pilot = (rows: number, asked: number, size: number, seed = 1): OwnPilot => ({
  block: { keys: random(rows, d, seed, 1), values: random(rows, dv, seed + 1) },
  queries: random(asked, d, seed + 2, size),
})
const budget = { ...shape, budgetBytes: 7000, tokens: 4000, weighted: false }
const off = (got: readonly number[], exact: readonly number[]) => Math.hypot(...got.map((x, i) => x - exact[i])) / Math.hypot(...exact) // prettier-ignore

/** The errors of a stack by definition, token by token. */
function errorByDefinition(stack: Stack, { block: all, queries }: OwnPilot): number {
  const { rows } = all.keys
  const unasked = rows - queries.rows
  const taken = Math.floor((3 * rows) / 4)
  const first = Math.max(unasked, taken - Math.floor(taken / 3))
  const later = Math.max(unasked, taken + Math.min(32, Math.floor((rows - taken) / 4)))
  const counts = countsAtRate(stack, countsWithin(stack, budget, methods)!, Math.min(1, taken / budget.tokens))
  using own = builtStack(stack, counts, shape, methods)
  const exact = exactStream(shape)
  const answers = [own, exact].map((stream) => {
    const found: number[] = []
    for (let r = 0; r < taken; r++) {
      const query = r >= unasked ? rowsOf(queries, r - unasked, r - unasked + 1) : undefined
      if (r >= first) found.push(...normalise(stream.step(tokensOf(all, r, r + 1), query!)).data)
      else if (query && stream === own && learns(stack, methods)) stream.step(tokensOf(all, r, r + 1), query)
      else stream.push(tokensOf(all, r, r + 1))
    }
    return [found, [...normalise(stream.attend(rowsOf(queries, later - unasked, rows - unasked))).data]] as const
  })
  return off(answers[0][0], answers[1][0]) + off(answers[0][1], answers[1][1])
}

const tells = (rows: number, asked: number) => trialOf(pilot(rows, asked, 1), budget, methods) !== undefined

describe('a trial of a stack', () => {
  const STACKS = ['h2o 0.2 8/6, farKeys 0.8 4/3 | mean', 'observedAttention 1 6/4 | mean', 'farKeys 1 6/4 | closure', 'farKeys 0.5 6/4, clusters 0.5 7/5 | none', 'clusters 1 6/4 | none'].map(stackOf) // prettier-ignore

  it.each([[400, 400], [301, 250], [200, 77], [64, 64]])('of %i tokens and %i queries has the errors of the definition', (rows, asked) => {
    const own = pilot(rows, asked, 4)
    const error = trialOf(own, budget, methods)!
    for (const stack of STACKS) expect(Math.abs(error(stack) / errorByDefinition(stack, own) - 1)).toBeLessThan(1e-4)
  }) // prettier-ignore

  it('is none where fewer than 8 queries are of one kind', () => {
    // Of 400 tokens 300 are taken in, the answers to the last of these and to the last 75 count.
    expect([tells(400, 108), tells(400, 107), tells(400, 100)]).toEqual([true, false, false])
    // Of n tokens ⌊3n/4⌋ are taken in, and of the others, a quarter is skipped.
    const least = Array.from({ length: 100 }, (_, i) => i + 1).find((rows) => tells(rows, rows))!
    const [taken, left] = [Math.floor((3 * least) / 4), least - Math.floor((3 * least) / 4)]
    expect([Math.floor(taken / 3) >= 8, left - Math.floor(left / 4)]).toEqual([true, 8])
  })

  it('leaves the usual stack for one that errs less than 1/1.3 of it, as measured and as the trend goes on', () => {
    const [usual, ...others] = STACKS
    const seen = new Set<string>()
    for (const seed of [1, 4, 7, 10, 13, 16, 19, 22])
      for (const [tokens, rows] of [[4000, 300], [1e9, 200], [300, 400]] as const) {
        const own = pilot(rows, rows, [1, 5, 14][seed % 3], seed)
        const whole = trialOf(own, { ...budget, tokens }, methods)!
        const half = rows >> 1
        const part = trialOf({ block: tokensOf(own.block, 0, half), queries: rowsOf(own.queries, 0, half) }, { ...budget, tokens }, methods)! // prettier-ignore
        const later = (stack: Stack) => {
          const trend = 0.7 * Math.min(0.4, Math.max(-0.4, Math.log2(whole(stack) / part(stack))))
          return whole(stack) * 2 ** (trend * Math.log2(Math.min(16, Math.max(1, tokens / rows))))
        }
        const better = others.filter((one) => 1.3 * whole(one) <= whole(usual) && 1.3 * later(one) < later(usual))
        const best = better.toSorted((a, b) => later(a) - later(b))[0] ?? usual
        const chosen = chosenStack(own, { usual, others }, { ...budget, tokens }, methods)!
        expect(told(chosen)).toBe(told(best))
        seen.add(told(chosen))
      } // prettier-ignore
    expect(seen.size).toBeGreaterThan(2)
  })

  test('is chosen by the whole alone where a half says too little', () => {
    const [usual, ...others] = STACKS
    const own = pilot(48, 48, 14)
    const error = trialOf(own, budget, methods)!
    expect(trialOf({ block: tokensOf(own.block, 0, 24), queries: rowsOf(own.queries, 0, 24) }, budget, methods)).toBeUndefined() // prettier-ignore
    const best = others.filter((one) => 1.3 * error(one) <= error(usual)).toSorted((a, b) => error(a) - error(b))[0] ?? usual // prettier-ignore
    expect(chosenStack(own, { usual, others }, budget, methods)).toBe(best)
  })
})
