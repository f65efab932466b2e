import {
  rotation,
  type AttentionStream,
  type KvBlock,
  type Matrix,
  type Positions,
  type Shape,
  type Tier,
} from '@sublinear/core'

/** Queries that parts are asked, and tokens that go from one to the next, where keys turn with their places: everything comes turned by its place in the text. */
export interface PlacedParts {
  /** The queries for part i; row r stands at place placeOf(r). The same part's, and those of all behind it, are turned once a call of `call`. */
  asked(i: number, queries: Matrix, placeOf: (row: number) => number): Matrix
  /** Begins a question: what was turned for the one before is forgotten. */
  begin(): void
  /** Tokens that leave part 0, which had been given `before` tokens before them. */
  passed(block: KvBlock, before: number): KvBlock
}

/** A tier of so many tokens. */
type Sized = Tier & { readonly count: number }

/**
 * The rule of the positions that a shape has.
 *
 * 'text': nothing turns again. `{ clamp }`: what leaves the window is turned back to no place at all, and the parts behind it are asked by the query
 * turned to one distance: a group of held tokens costs one more turned query, and no turned key. 'cache': first tokens stand right behind the
 * window, as if the text between had never been: they too are asked by one query, turned back by as many places as lie between.
 *
 * @throws RangeError when the parts are not those that the positions ask for
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
