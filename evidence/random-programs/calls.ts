import type { KvBlock, Matrix } from '@sublinear/core'
import { PICKY, type Dice } from './parts.ts'
import { SHAPE, type Subject, type Target } from './target.ts'

/** One call of a program, the same for the stream and for its twin. */
export interface Call {
  readonly name: 'push' | 'step' | 'merge' | 'attend'
  /** Tokens that it adds, and the sum of their weights, where it succeeds. */
  readonly tokens: number
  readonly weight: number
  /** Whether it must be refused. */
  readonly isWrong?: boolean
  run(stream: Subject): unknown
}

/** Tokens as a target takes them, heads side by side. */
interface Given {
  readonly block: KvBlock
  readonly queries: Matrix
  readonly groups: number
  readonly weight: number
}

const matrixOf = (rows: number, cols: number, random: Dice, reach = 1): Matrix => ({
  rows,
  cols,
  data: Float32Array.from({ length: rows * cols }, () => reach * random.entry()),
})

/** Random tokens; keys of some calls are such as a picky part refuses. */
export function given(random: Dice, { heads, kind, headGroups }: Target, isTame: boolean, weighted: boolean): Given {
  const rows = random.pick([1, 2, 3, 5, 9, 17, 33, 70, 130])
  const groups = kind === 'layer' ? 1 : 1 + random.below(2)
  const keys = matrixOf(rows, heads * SHAPE.d, random)
  if (!isTame) for (let h = 0; h < heads; h++) keys.data[random.below(rows) * keys.cols + h * SHAPE.d] = PICKY + 0.25
  const weights = weighted ? Float32Array.from({ length: rows }, () => 1 + random.below(3)) : undefined
  return {
    block: { keys, values: matrixOf(rows, heads * SHAPE.dv, random), ...(weights && { weights }) },
    queries: matrixOf(rows * groups, heads * headGroups * SHAPE.d, random),
    groups,
    weight: weights ? weights.reduce((sum, x) => sum + x, 0) : rows,
  }
}

/** Tokens of a push or step, broken in one way. */
function broken(
  random: Dice,
  good: Given,
  isUnweighted: boolean,
): { block: KvBlock; queries: Matrix; isStep: boolean } {
  const { block, queries } = good
  const { keys, values } = block
  const { rows } = keys
  const at = (m: Matrix, x: number): Matrix => {
    const data = m.data.slice()
    data[random.below(data.length)] = x
    return { ...m, data }
  }
  const weights = (x: number) => new Float32Array(rows).fill(1).map((w, i) => (i === rows - 1 ? x : w))
  const isStep = random.chance(0.5)
  const ways = [
    () => ({ block: { ...block, keys: at(keys, NaN) }, queries, isStep }),
    () => ({ block: { ...block, values: at(values, Infinity) }, queries, isStep }),
    () => ({ block: { ...block, keys: matrixOf(rows, keys.cols + 1, random) }, queries, isStep }),
    () => ({ block: { ...block, weights: weights(-1) }, queries, isStep }),
    () => ({ block: { ...block, weights: weights(0) }, queries, isStep }),
    () => ({ block, queries: matrixOf(queries.rows + 1, queries.cols + 1, random), isStep: true }),
    () => ({ block, queries: at(queries, NaN), isStep: true }),
    ...(rows > 1
      ? [() => ({ block, queries: { ...queries, rows: 1, data: queries.data.slice(0, queries.cols) }, isStep: true })]
      : []),
  ]
  if (isUnweighted && random.chance(0.5)) return { block: { ...block, weights: weights(2) }, queries, isStep }
  return random.pick(ways)()
}

/** A stream to merge with: of the same making, of another kind, damaged, all but one part the same. */
function partner(
  random: Dice,
  target: Target,
): { bytes: Uint8Array; tokens: number; weight: number; isWrong: boolean } {
  const way = random.below(8)
  const isNear = way === 4 || way === 5
  const stream = isNear ? target.near() : target.make(false)
  const own = Array.from({ length: random.below(4) }, () => given(random, target, true, false))
  for (const { block, queries } of own) {
    if (random.chance(0.5)) stream.push(block)
    else stream.step(block, queries)
  }
  const bytes = stream.toBytes()
  const { tokens } = stream
  ;(stream as Partial<Disposable>)[Symbol.dispose]?.()
  if (way === 6) return { bytes: bytes.slice(0, random.below(bytes.length)), tokens, weight: tokens, isWrong: true }
  if (way === 7) {
    bytes[random.below(bytes.length)] ^= 1 << random.below(8)
    return { bytes, tokens, weight: tokens, isWrong: true }
  }
  return { bytes, tokens, weight: tokens, isWrong: false }
}

/** The next call of a program on a stream that has so many tokens of such a weight. */
export function nextCall(
  random: Dice,
  target: Target,
  weighted: boolean,
  soFar: { tokens: number; weight: number },
): Call {
  const way = random.below(20)
  const nothing = { tokens: 0, weight: 0 }
  if (way < 2) {
    const queries = matrixOf(1 + random.below(5), target.heads * target.headGroups * SHAPE.d, random)
    return { name: 'attend', ...nothing, run: (stream) => stream.attend(queries) }
  }
  if (way < 6) {
    if (random.chance(0.15)) return { name: 'merge', ...soFar, run: (stream) => stream.merge(stream) }
    const { bytes, ...rest } = partner(random, target)
    return { name: 'merge', ...rest, run: (stream) => stream.merge({ toBytes: () => bytes }) }
  }
  const good = given(random, target, random.chance(0.85), weighted)
  const { rows } = good.block.keys
  const isBroken = way < 10
  const { block, queries, isStep } = isBroken
    ? broken(random, good, target.isUnweighted)
    : { ...good, isStep: random.chance(0.5) }
  const isWrong = isBroken || (weighted && target.isUnweighted && good.block.weights!.some((w) => w !== 1))
  return {
    name: isStep ? 'step' : 'push',
    tokens: rows,
    weight: good.weight,
    isWrong,
    run: (stream) => (isStep ? stream.step(block, queries) : stream.push(block)),
  }
}
