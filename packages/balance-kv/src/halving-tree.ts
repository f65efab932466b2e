import {
  joinedTokens,
  MOST_WEIGHT,
  pickedTokens,
  tokensOf,
  type Arrived,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
  type Shape,
  readAnew,
} from '@sublinear/core'
import { heldTokens, type ResidentTokens } from '@sublinear/token-store'
import { coins, type Halving } from './halving'

const made = readAnew<HalvingTree, 'bytes' | 'room'>()

export interface HalvingTreeOptions extends Shape {
  readonly halving: Halving
  /** Number of tokens that are halved together. */
  readonly blockSize: number
  /** Number of levels above the tokens as they came. */
  readonly levels: number
  /** Number of tokens held before any is halved. Absent: a block is halved as soon as it is full. */
  readonly capacity?: number | undefined
  /** Called after every halving, and for tokens that the sampler drops: with the tokens before and those that now stand for them. */
  readonly replaced?: ((before: KvBlock, after: KvBlock) => void) | undefined
}

/** State of a tree beside its tokens. */
export interface TreeState {
  /** Numbers of tokens by level, levels + 1 of them: first of those as they came, then by ascending weight. */
  readonly counts: number[]
  /** Number of halvings that tokens go through on the way from level 0 to level 1. */
  lift: number
  /** Number of halvings so far, which is the number of the next. */
  draws: number
  /** Share of a token of level 1 that the sampler has collected in its candidate. */
  progress: number
  failures: number
}

export interface HalvingTree extends Disposable {
  readonly bytes: number
  readonly state: TreeState
  /** Number of tokens that fit before the next halving. */
  readonly room: number
  /** Takes as many rows from `from` on as fit before the next halving; halves first where there is no room. Returns how many. */
  take(block: KvBlock, from: number): number
  /** Continues a partial over all tokens; with `arrived`, row i does not see the last count − 1 − ⌊i / groups⌋ of them. */
  attend(queries: Matrix, partial: PartialSoftmax, arrived?: Arrived): void
  /** Asks for the memory of so many more tokens; throws where there is none. */
  reserve(tokens: number): void
  /** All tokens held, level by level from the top, in stream order within a level. */
  read(): KvBlock
  /** The sampler's candidate: one token or none. */
  candidate(): KvBlock
  /** Copies of the stores that hold the tokens and the candidate. */
  copies(): readonly [ResidentTokens, ResidentTokens]
}

export function emptyTree(levels: number): TreeState {
  return { counts: Array.from({ length: levels + 1 }, () => 0), lift: 1, draws: 0, progress: 0, failures: 0 }
}

export function capacityOf({
  blockSize,
  levels,
  capacity,
}: Pick<HalvingTreeOptions, 'blockSize' | 'levels' | 'capacity'>) {
  return capacity ?? (levels + 1) * blockSize
}

/** The bytes that a tree never exceeds. */
export function mostTreeBytes(options: Shape & Pick<HalvingTreeOptions, 'blockSize' | 'levels' | 'capacity'>): number {
  return 4 * (options.d + options.dv + 2) * (capacityOf(options) + 1) + stateBytes(options.levels)
}

const stateBytes = (levels: number) => 8 * (levels + 1) + 32

/**
 * Makes a tree of halvings in bounded memory. When a block has to leave level i, its halved tokens go to level i + 1. Where level i is the last,
 * the tree moves up: the lowest level is halved into the next, and from then on tokens are halved once more before they enter; there is no last
 * time. Blocks that shrink to one token in this way are sampled by weight.
 * Source: MergeAndReduce (BalanceKV); moving up is the idea of the KLL sketch (Karnin, Lang and Liberty 2016).
 *
 * Guarantee: at most capacity + 1 tokens, whatever the length of the stream; the total weight is as exact as the halving keeps it.
 */
export function halvingTree(
  options: HalvingTreeOptions,
  state: TreeState,
  from?: { held: KvBlock; candidate: KvBlock },
  like?: HalvingTree,
): HalvingTree {
  const { d, dv, scale, halving, blockSize, levels, replaced } = options
  const most = capacityOf(options)
  const isEager = options.capacity === undefined
  const [held, candidate] = like?.copies() ?? [
    heldTokens({ d, dv, scale, most }),
    heldTokens({ d, dv, scale, most: 1 }),
  ]
  const { counts } = state
  if (from) {
    held.write(from.held, 0, from.held.keys.rows, 0)
    candidate.write(from.candidate, 0, from.candidate.keys.rows, 0)
  }

  const halved = (block: KvBlock): KvBlock => {
    const { kept, weights, failures } = halving.halve(block, scale, state.draws)
    state.draws = counted(state.draws)
    const after = pickedTokens(block, kept, weights)
    state.failures = counted(state.failures, failures)
    replaced?.(block, after)
    return after
  }

  /** Lifts a block from level 0 to level 1; undefined while the sampler still collects. */
  const lifted = (block: KvBlock): KvBlock | undefined => {
    let done = 0
    while (done < state.lift && (block.keys.rows > 1 || done === 0)) {
      block = halved(block)
      done++
    }
    return done === state.lift ? block : sampled(block, 2 ** (done - state.lift))
  }

  /** Samples single tokens: keeps one of those given, each with a probability as its weight, until they make up one token of level 1. */
  const sampled = (one: KvBlock, share: number): KvBlock | undefined => {
    const before = candidate.count > 0 ? joinedTokens(candidate.read(), one)! : one
    const [first, second] = [before.weights?.[0] ?? 1, before.weights?.[1] ?? 0]
    const total = Math.min(MOST_WEIGHT, first + second)
    const coin = coins(halving.seed, state.draws, 1)[0]
    state.draws = counted(state.draws)
    const chosen = coin * (first + second) < first ? 0 : 1
    const after = pickedTokens(before, Uint32Array.of(chosen), Float32Array.of(total))
    if (before.keys.rows > 1) replaced?.(before, after)
    candidate.clear()
    state.progress += share
    if (state.progress >= 1) {
      state.progress = 0
      return after
    }
    candidate.write(after, 0, 1, 0)
    return undefined
  }

  /** Halves the oldest block of a level into the next level; tokens of higher levels stay where they are. */
  const reduce = (level: number) => {
    if (level === levels) return moveUp()
    const start = counts.reduce((total, count, l) => total + (l > level ? count : 0), 0)
    const tail = held.read(start)
    const oldest = tokensOf(tail, 0, blockSize)
    const after = level === 0 ? lifted(oldest) : halved(oldest)
    held.truncate(start)
    if (after) append(after, level + 1)
    append(tokensOf(tail, blockSize, tail.keys.rows))
    counts[level] -= blockSize
  }

  /** Appends tokens behind all others; they are counted where they belong to a level that has not counted them. */
  const append = (block: KvBlock, level?: number) => {
    held.write(block, 0, block.keys.rows, held.count)
    if (level !== undefined) counts[level] += block.keys.rows
  }

  /** Moves up: the oldest block of the last level makes a level above it, and the lowest level goes into the next. */
  const moveUp = () => {
    const all = held.read()
    held.clear()
    const last = counts[levels]
    const before = all.keys.rows - counts[0] - counts[1] // where the lowest level begins
    const top = halved(tokensOf(all, 0, blockSize))
    const lowest = tokensOf(all, levels === 1 ? blockSize : before, all.keys.rows - counts[0])
    const rest = lowest.keys.rows > 1 ? halved(lowest) : lowest
    append(top)
    if (levels > 1) append(tokensOf(all, blockSize, before))
    append(rest)
    append(tokensOf(all, all.keys.rows - counts[0], all.keys.rows))
    if (levels === 1) counts[1] = top.keys.rows + rest.keys.rows
    else {
      counts[levels] = last - blockSize
      counts[2] += rest.keys.rows
      counts.splice(1, 1)
      counts.push(top.keys.rows)
    }
    state.lift = counted(state.lift)
  }

  /** Halves until there is room for a token. */
  const makeRoom = () => {
    for (;;) {
      const full = counts.findIndex((count) => count >= blockSize) // such a level exists once all room is taken
      if (full < 0 || (!isEager && held.count < most)) return
      reduce(full)
    }
  }

  const room = () => (isEager ? blockSize - counts[0] : most - held.count)

  return made(
    {
      bytes() {
        // From the first halving on, all room is used, so that what is held does not depend on how full a level once was.
        const tokens = state.draws > 0 ? most * (4 * (d + dv) + (held.weights ? 8 : 0)) : held.bytes
        return tokens + candidate.bytes + stateBytes(levels)
      },
      room,
    },
    {
      state,
      take(block, start) {
        makeRoom()
        const rows = Math.min(room(), block.keys.rows - start)
        held.write(block, start, rows, held.count)
        counts[0] += rows
        return rows
      },
      attend(queries, partial, arrived) {
        candidate.attend(queries, partial)
        held.attend(queries, partial, arrived && { visible: held.count - arrived.count + 1, groups: arrived.groups })
      },
      reserve: (tokens) => held.reserve(Math.min(most, held.count + tokens)),
      read: () => held.read(),
      candidate: () => candidate.read(),
      copies: () => [held.copy(), candidate.copy()],
      [Symbol.dispose]() {
        held[Symbol.dispose]()
        candidate[Symbol.dispose]()
      },
    },
  )
}

/** Adds to a count, as far as integers are exact: a snapshot from anywhere may come close to the limit. */
function counted(count: number, more = 1): number {
  return Math.min(count + more, Number.MAX_SAFE_INTEGER)
}
