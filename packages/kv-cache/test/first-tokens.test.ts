// The first tokens of a stream that learns, and how its stacks are judged by them. Truth: bytes of stores that were filled, queries by their places in plain lists, errors
// of streams that were given the tokens one by one, against exact attention.
// Kills: a budget that holds fewer or more first tokens than have room, bytes over it before the last of them has come, bits that are not the finest, a query of another token or head of
// its group, all queries of one head where there are as many heads as tokens to a query, queries that stay where tokens came without any, tokens taken back without their queries or with one
// too many, errors of one kind of question alone, the trend of the wrong half or for the wrong number of tokens, margins that are smaller or larger, stacks left out that were among the best
// six on the half, or tried though they were not.
import { pickedRows, rowsOf, tokensOf, type Matrix } from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { random } from '@sublinear/laws'
import { describe, expect, it, test } from 'vitest'
import { builtStack, countsAtRate, countsWithin, learns, type Stack } from '../src'
import { firstTokens, learningWithin, restoreFirstTokens } from '../src/stack/first-tokens'
import { chosenStack, trialOf, type OwnPilot } from '../src/stack/own-trial'
import { methods, shape, stackOf, told } from './stack-lines'

const { d, dv } = shape
const block = (rows: number, seed = 1) => ({ keys: random(rows, d, seed), values: random(rows, dv, seed + 1) })
const learning = { tokens: 104, bits: 8 }

const groups = 4
const partial = (rows: number) => ({ max: new Float32Array(rows).fill(-Infinity), mass: new Float64Array(rows), sum: { rows, cols: dv, data: new Float32Array(rows * dv) } }) // prettier-ignore
const near = (got: Matrix, wanted: (row: number) => Float32Array) => {
  for (let r = 0; r < got.rows; r++)
    for (let c = 0; c < got.cols; c++) expect(Math.abs(got.data[r * got.cols + c] - wanted(r)[c])).toBeLessThan(0.05)
}
/** Bytes of a store of so many first tokens in these bits: the most there are while they come, one by one or in pieces. */
const bytesOf = (tokens: number, bits: number, weighted = false, piece = 8) => {
  using first = firstTokens(shape, { tokens, bits })
  let most = 0
  for (let from = 0; from < tokens; from += piece) {
    const rows = Math.min(piece, tokens - from)
    const weights = Float32Array.from({ length: rows }, (_, i) => (weighted ? 1 + (i % 2) : 1))
    first.step({ ...block(rows), ...(weighted && { weights }) }, random(rows, d, 3), partial(rows))
    most = Math.max(most, first.bytes)
  }
  return most
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
const savedParts = (one: ReturnType<typeof given>) => [one.parts().held.toBytes(), one.parts().asked.toBytes()]
const at = (tokens: number, budgetBytes = 9000) => learningWithin({ ...shape, budgetBytes, weighted: false, tokens })

describe('first tokens', () => {
  it('are as many as have room in the finest bits that hold 384, and 1536 at most; with a query for every fourth', () => {
    const found = new Set<string>()
    for (let budgetBytes = 1000; budgetBytes < 44_000; budgetBytes += budgetBytes < 16_000 ? 700 : 4000)
      for (const weighted of [false, true]) {
        const own = learningWithin({ ...shape, budgetBytes, weighted, tokens: 1e6 })
        if (!own) {
          expect(bytesOf(64, 5, weighted)).toBeGreaterThan(budgetBytes)
          continue
        }
        const { tokens, bits } = own
        found.add(`${bits}`)
        expect([tokens % 8, tokens >= 64, tokens <= 1536]).toEqual([0, true, true])
        for (const piece of [1, 7, tokens]) expect(bytesOf(tokens, bits, weighted, piece)).toBeLessThanOrEqual(budgetBytes)
        if (tokens < 1536) expect(bytesOf(tokens + 8, bits, weighted)).toBeGreaterThan(budgetBytes)
        if (bits < 8) expect(bytesOf(384, bits + 1, weighted)).toBeGreaterThan(budgetBytes)
        if (bits > 5) expect(tokens).toBeGreaterThanOrEqual(384)
      }
    expect([...found].toSorted()).toEqual(['5', '6', '7', '8'])
  }) // prettier-ignore

  it('are none where all tokens to come have room, or fewer than 64 do', () => {
    const { tokens } = at(Infinity)!
    expect(at(tokens)).toBeUndefined()
    expect(at(tokens + 1)).toEqual(at(Infinity))
    const least = Array.from({ length: 3000 }, (_, i) => 500 + i).find((bytes) => at(Infinity, bytes))!
    expect(at(Infinity, least)).toEqual({ bits: 5, tokens: 64 })
    const [some, single, whole] = [8, 1, 64].map((piece) => bytesOf(64, 5, false, piece))
    expect([some, single > least - 40, single <= least, whole < some]).toEqual([single, true, true, true]) // sixteen tokens and four queries are exact at first
  })

  it.each([[[90]], [[1, 1, 30, 58]], [[40, 50]]])(
    'have a query for every four, of one head of its group after the other, however they come: %o',
    (pieces) => {
      const [all, queries] = [block(90), random(90 * groups, d, 5)]
      const first = given(pieces)
      const [one] = first.blocks()
      expect(first.blocks().length).toBe(1)
      expect([first.tokens, first.room, one.queries!.rows, first.parts().asked.tokens]).toEqual([90, 14, 90, 23])
      near(one.block.keys, (r) => all.keys.data.subarray(r * d, r * d + d))
      near(one.block.values, (r) => all.values.data.subarray(r * dv, r * dv + dv))
      const asked = (r: number) => 4 * Math.floor(r / 4) * groups + (Math.floor(r / 4) % groups)
      near(one.queries!, (r) => queries.data.subarray(asked(r) * d, asked(r) * d + d))
      expect(first.bytes).toBe(first.parts().held.bytes + first.parts().asked.bytes)
    },
  )

  it('that come without queries are a block of their own, and end the queries before them', () => {
    const all = random(90 * groups, d, 5)
    for (const silent of [20, 21, 23]) {
      const first = given([40, 25], silent)
      const [before, asked] = first.blocks()
      const from = 4 * Math.ceil(silent / 4) // the first token that has a query held
      const rows = silent + 65
      expect([before.block.keys.rows, before.queries, asked.block.keys.rows, asked.queries!.rows]).toEqual([from, undefined, rows - from, rows - from]) // prettier-ignore
      near(rowsOf(asked.queries!, 0, 1), () => pickedRows(all, [from * groups + ((from / 4) % groups)]).data)
    }
    const first = given([40, 30], 20)
    first.push(block(5))
    expect(first.blocks().map((one) => [one.block.keys.rows, one.queries])).toEqual([[95, undefined]])
    expect(first.chosen(stackOf('farKeys 1 6/4 | mean'), { ...shape, budgetBytes: 8000, weighted: false, tokens: 4000 }, methods)).toBeUndefined() // prettier-ignore
    expect(firstTokens(shape, learning).blocks()).toEqual([])
  })

  it.each([0, 1, 2, 3, 4, 5, 7, 8, 30])('can be taken back with their queries, as many as are spare: after %i tokens without any', (silent) => {
    const seen = new Set<number>()
    for (let asked = 0; silent + asked < 50; asked++) {
      const { spare } = given([asked], silent)
      seen.add(spare)
      for (let more = 1; more <= spare; more++) {
        const one = given([asked, more], silent)
        one.check(more)
        one.takeBack(more)
        expect(savedParts(one)).toEqual(savedParts(given([asked], silent)))
      }
      const over = given([asked, spare + 1], silent)
      if (silent + asked > 0) expect(() => over.check(spare + 1)).toThrow(RangeError)
      expect(() => over.check(silent + asked + spare + 2)).toThrow(RangeError)
    }
    expect(Math.max(...seen)).toBeGreaterThanOrEqual(4)
  }) // prettier-ignore

  it('are spare only as far as there is room', () => {
    const rows = Array.from({ length: 104 }, (_, i) => i + 1)
    const first = firstTokens(shape, learning)
    for (const row of rows) {
      first.step(block(1, row), random(groups, d, row), partial(groups))
      expect(first.spare).toBeLessThanOrEqual(first.room)
    }
    expect([first.room, first.spare]).toEqual([0, 0])
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
    const other = firstTokens(shape, { tokens: 104, bits: 7 })
    const few = given([30])
    for (const [parts, sizes] of [
      [{ ...saved(), asked: saved(other).asked }, learning],
      [{ ...saved(), held: saved(other).held }, learning],
      [{ ...saved(few), asked: saved(given([33])).asked }, learning],
      [saved(), { tokens: 96, bits: 8 }],
      [saved(), { tokens: 104, bits: 6 }],
    ] as const)
      expect(() => restoreFirstTokens('x', shape, sizes, parts)).toThrow(RangeError)
    expect(() =>
      restoreFirstTokens('x', shape, learning, { ...saved(few), asked: saved(given([32])).asked }),
    ).not.toThrow()
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

const marginOf = ({ kept }: Stack, rows: number) => {
  if (kept.every(({ by }) => by === 'observedAttention')) return 2
  return rows <= 500 ? 1.3 : rows >= 1500 ? 1.1 : 1 + 150 / rows
}

/** Errors of all stacks as measured and by the trend, on these tokens and on half of them. */
const judged = (own: OwnPilot, given: typeof budget) => {
  const { rows } = own.block.keys
  const half = rows >> 1
  const whole = trialOf(own, given, methods)!
  const part = trialOf({ block: tokensOf(own.block, 0, half), queries: rowsOf(own.queries, 0, half) }, given, methods)!
  return (stack: Stack) => {
    const trend = 0.2 * Math.min(1, Math.max(-2, Math.log2(whole(stack) / part(stack))))
    const later = whole(stack) * 2 ** (trend * Math.log2(Math.min(16, Math.max(1, given.tokens / rows))))
    return { stack, now: whole(stack), later, part: part(stack) }
  }
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

  it('leaves the usual stack for one that errs less by a factor, the more tokens the less, as measured and as the trend goes on; for attended tokens alone, by 2', () => {
    const [usual, ...others] = STACKS
    const seen = new Set<string>()
    for (const seed of [1, 4, 7, 10, 16, 22, 25, 28])
      for (const [tokens, rows] of [[4000, 300], [1e9, 200], [300, 400], [4000, 750]] as const) {
        const own = pilot(rows, rows, [1, 5, 14][seed % 3], seed)
        if (seed > 20) // few keys are asked for, so attended tokens are the best by far, or by less
          for (let r = 0; r < rows; r++)
            for (let c = 0; c < d; c++)
              own.queries.data[r * d + c] = (seed === 22 ? 60 : 12) * own.block.keys.data[(r % (seed === 22 ? 10 : 25)) * d + c]
        const errors = judged(own, { ...budget, tokens })
        const mine = errors(usual)
        const better = others.map(errors).filter(({ stack, now, later }) => {
          const margin = marginOf(stack, rows)
          return margin * now <= mine.now && margin * later < mine.later
        })
        const least = better.toSorted((a, b) => a.later - b.later)[0] ?? mine
        const chosen = chosenStack(own, { usual, others }, { ...budget, tokens }, methods)!
        expect(errors(chosen).later).toBe(least.later)
        expect(chosen === usual).toBe(better.length === 0)
        seen.add(told(chosen))
      } // prettier-ignore
    expect(seen.size).toBeGreaterThan(3)
  })

  it.each([400, 750, 1600])('by 1.3, 1.2 and 1.1 where the tokens are up to 500, 750, and 1500 or more: of %i', (rows) => {
    const near = ['farKeys 1 8/6 | mean', 'farKeys 1 6/4 | mean', 'farKeys 1 5/4 | mean', 'farKeys 1 4/3 | closure', 'farKeys 1 6/4 | closure', 'h2o 0.2 8/6, farKeys 0.8 4/3 | mean'].map(stackOf) // prettier-ignore
    const own = pilot(rows, rows, 5, 3)
    const errors = near.map(judged(own, { ...budget, tokens: rows }))
    const ratios: number[] = []
    for (const usual of errors)
      for (const other of errors) {
        const ratio = usual.now / other.now
        if (ratio <= 1 || ratio > 1.5) continue
        const chosen = chosenStack(own, { usual: usual.stack, others: [other.stack] }, { ...budget, tokens: rows }, methods)
        expect([ratio, chosen === other.stack]).toEqual([ratio, ratio >= marginOf(other.stack, rows)])
        ratios.push(ratio)
      }
    const margin = marginOf(STACKS[0], rows)
    for (const [from, to] of [[margin - 0.12, margin], [margin, margin + 0.2]]) expect(ratios.some((ratio) => ratio > from && ratio < to)).toBe(true) // else any margin would do
  }) // prettier-ignore

  test('tries the best six of the first half on all tokens, and the usual one', () => {
    const bits = [[8, 6], [7, 5], [6, 4], [5, 4], [5, 3], [4, 3], [4, 2], [3, 2]] // prettier-ignore
    const others = ['closure', 'mean'].flatMap((rest) => bits.map(([keys, values]) => stackOf(`farKeys 1 ${keys}/${values} | ${rest}`))) // prettier-ignore
    const usual = stackOf('farKeys 0.2 3/2 | mean')
    const left: number[] = []
    for (const seed of [1, 4, 7, 10, 13, 16, 19, 22, 25, 28]) {
      const own = pilot(256, 256, [2, 5, 9][seed % 3], seed)
      const errors = judged(own, budget)
      const ranked = others.map(errors).toSorted((a, b) => a.part - b.part)
      const best = (some: typeof ranked) => some.toSorted((a, b) => a.later - b.later)[0].stack
      const wanted = best(ranked.slice(0, 6))
      const [mine, { now, later }] = [errors(usual), errors(wanted)]
      const isLeft = 1.3 * now <= mine.now && 1.3 * later < mine.later
      left.push(Number(isLeft && best(ranked) !== wanted))
      expect(chosenStack(own, { usual, others }, budget, methods)).toBe(isLeft ? wanted : usual)
    }
    expect(Math.max(...left)).toBe(1) // else any number of stacks would do
  })

  test('is chosen by the whole alone where a half says too little, among all', () => {
    const [usual, ...others] = STACKS
    const own = pilot(48, 48, 14)
    const error = trialOf(own, budget, methods)!
    expect(trialOf({ block: tokensOf(own.block, 0, 24), queries: rowsOf(own.queries, 0, 24) }, budget, methods)).toBeUndefined() // prettier-ignore
    const best = others.filter((one) => marginOf(one, 48) * error(one) <= error(usual)).toSorted((a, b) => error(a) - error(b))[0] ?? usual // prettier-ignore
    expect(chosenStack(own, { usual, others }, budget, methods)).toBe(best)
    const worse = Array.from({ length: 9 }, () => stackOf('farKeys 0.01 2/2 | mean'))
    const far = pilot(48, 48, 3)
    for (let i = 0; i < 8; i++) far.block.keys.data[i] *= 8 // one key lies far out
    expect(chosenStack(far, { usual: worse[0], others: [...worse.slice(1), STACKS[2]] }, budget, methods)).toBe(
      STACKS[2],
    )
  })
})
