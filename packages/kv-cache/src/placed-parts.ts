import {
  rotation,
  type AttentionStream,
  type KvBlock,
  type Matrix,
  type Positions,
  type Shape,
  type Tier,
} from '@sublinear/core'

/** The queries for part i; row r stands at place placeOf(r). Queries are turned at most once a question. */
export interface PlacedParts {
  /** The queries for part i; row r stands at place placeOf(r). Queries are turned once a question: for part i, and once for all parts behind it. */
  asked(i: number, queries: Matrix, placeOf: (row: number) => number): Matrix
  /** Tokens that leave part 0 in a call before which it had been given `before` tokens, as the next part takes them. */
  begin(): void
  /** Tokens that leave part 0 after `before` others left it, as the next part takes them. */
  passed(block: KvBlock, before: number): KvBlock
}

/** A tier of so many tokens. */
type Sized = Tier & { readonly count: number }

/**
 * Follows the rule of `positions` that a shape has.
 *
 * 'text': nothing is turned again. `{ clamp }`: tokens that leave the window are turned back to place 0, and the parts behind it are asked by the query
 * turned to one distance: that costs one more turned query for all held tokens, and no turned key. 'cache': first tokens stand right behind the
 * window, as if the text between had never been: they, too, are asked by one query, turned back by as many places as lie between.
 *
 * @throws RangeError when the parts are not those that `positions` needs
 */
export function placedParts(
  who: string,
  { rotary, positions = 'text', d }: Shape,
  parts: readonly AttentionStream[],
): PlacedParts | undefined {
  if (!rotary || positions === 'text') return undefined
  const turn = rotation(rotary, d)
  const ends = parts.map((part) => (part as Partial<Tier>).end)
  let turned: Matrix | undefined
  const begin = () => void (turned = undefined)

  if (positions === 'cache') {
    if (parts.length !== 2 || ends[0] !== 'first' || ends[1] !== 'newest')
      throw new RangeError(`${who}: positions 'cache' are for two parts, sinks and a window`)
    const newest = parts[1] as Sized
    const between = () => Math.max(0, newest.tokens - newest.count)
    return {
      begin,
      asked: (i, queries) => (i === 0 && between() > 0 ? (turned ??= turn(queries, () => -between())) : queries),
      passed: (block) => block,
    }
  }

  const { clamp } = positions
  checkClamp(who, positions, ends[0])
  const { count } = parts[0] as Sized
  return {
    begin,
    asked: (i, queries, placeOf) => (i === 0 ? queries : (turned ??= turn(queries, (r) => clamp - placeOf(r)))),
    passed(block, before) {
      const first = Math.max(0, before - count)
      return { ...block, keys: turn(block.keys, (r) => -(first + r)) }
    },
  }
}

function checkClamp(who: string, positions: Exclude<Positions, string>, end: Tier['end']): void {
  if (end !== 'newest')
    throw new RangeError(`${who}: positions { clamp: ${positions.clamp} } need a window as the first part`)
}
