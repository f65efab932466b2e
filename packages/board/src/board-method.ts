import {
  checkHead,
  checkObject,
  stepByToken,
  type AttentionStream,
  type HeadFeature,
  type Matrix,
  type Method,
  type Pilot,
  type Shape,
} from '@sublinear/core'

/** An attention stream, or as much of one as a board needs; without `step`, it is asked token by token. */
export type BoardStream = Pick<AttentionStream, 'bytes' | 'push' | 'attend'> &
  Partial<Omit<AttentionStream, 'bytes' | 'push' | 'attend'>> &
  Partial<Disposable>

export interface BoardMethodOptions {
  /** Name of the method's row of the board. */
  readonly name: string
  /** Makes an empty stream that never holds more than budgetBytes over the tokens to come; undefined where none fits. */
  readonly make: (
    shape: Shape,
    budgetBytes: number,
    tokens: number,
    pilot: Pilot | undefined,
  ) => BoardStream | undefined
  /** Inputs that it learns from. Where that is not 'nothing', tokens come with their queries, by `step`. Default 'nothing'. */
  readonly learns?: Method['learns'] | undefined
  /** Features of heads that its streams compute by themselves, as their shape has them: 'softcap', 'sinkLogit'. Default: none, and heads that have any are refused. */
  readonly can?: readonly HeadFeature[] | undefined
}

/** Arguments with which `make` was called. */
interface Asked {
  readonly budgetBytes: number
  readonly tokens: number
  readonly pilot?: Pilot | undefined
}

/**
 * Makes a method from a function that makes streams, so that a board, or anything else that takes methods, can take a stream of your own.
 *
 * Guarantee: `bytes` of the method is the budget for which the stream was made; nothing checks it, but the board measures. Its snapshots cannot be opened.
 *
 * @param name  its row; make  the function, asked once a stream; learns, can  as Method has them
 * @throws TypeError from `within`, when what `make` returns has no push and attend
 */
export function boardMethod(options: BoardMethodOptions): Method<Asked> {
  const { name, make, learns = 'nothing', can = [] } = checkObject('boardMethod', options)
  if (typeof make !== 'function') throw new TypeError(`boardMethod: make must be a function, got ${typeof make}`)
  const first = new WeakMap<Asked, BoardStream>() // streams that `within` made to see whether one fits, and that are not yet handed out
  const made = (shape: Shape, { budgetBytes, tokens, pilot }: Asked) =>
    checked(name, make({ ...shape }, budgetBytes, tokens, pilot))
  return {
    name,
    source: 'not from the papers',
    learns,
    can,
    bytes: (_, { budgetBytes }) => budgetBytes,
    within(shape, budgetBytes, { tokens }, pilot) {
      const asked = { budgetBytes, tokens, ...(pilot && { pilot }) }
      const stream = made(shape, asked)
      if (stream) first.set(asked, stream)
      return stream && asked
    },
    make(shape, asked) {
      checkHead(name, shape, can)
      const stream = first.get(asked) ?? made(shape, asked)
      first.delete(asked)
      if (!stream) throw new RangeError(`${name}: no stream fits ${asked.budgetBytes} bytes`)
      return whole(name, { ...shape }, stream)
    },
    open() {
      throw new RangeError(`${name}: its snapshots cannot be opened`)
    },
  }
}

/** Whether a value has all that a method must have. */
export function isMethod(value: unknown): value is Method {
  if (typeof value !== 'object' || value === null) return false
  const { name, learns, make, bytes, within, open } = value as Partial<Method>
  const functions: unknown[] = [make, bytes, within, open]
  return (
    typeof name === 'string' &&
    ['nothing', 'queries', 'pilot'].includes(learns as string) &&
    functions.every((own) => typeof own === 'function')
  )
}

function checked(name: string, stream: BoardStream | undefined): BoardStream | undefined {
  if (stream === undefined) return undefined
  const { push, attend } = (stream ?? {}) as Partial<BoardStream>
  if (typeof push !== 'function' || typeof attend !== 'function')
    throw new TypeError(`${name}: a stream must have push and attend`)
  return stream
}

/** The stream with the members that it lacks. Its own members are called on itself, whatever it is made of. */
function whole(name: string, shape: Shape, stream: BoardStream, given = 0): AttentionStream & Disposable {
  const { d, dv, scale } = shape
  let tokens = given
  const { check } = stream
  const bound = {
    d,
    dv,
    push: (block: Parameters<BoardStream['push']>[0]) => stream.push(block),
    attend: (queries: Matrix) => stream.attend(queries),
  }
  return {
    d,
    dv,
    scale,
    merging: stream.merge ? (stream.merging ?? 'none') : 'none',
    ...(check && { check }),
    get errorBars() {
      return stream.step ? stream.errorBars : undefined
    },
    get tokens() {
      return tokens
    },
    get bytes() {
      return stream.bytes
    },
    get counters() {
      return stream.counters ?? {}
    },
    push(block) {
      stream.push(block)
      tokens += block.keys.rows
    },
    attend: (queries, into) => stream.attend(queries, into),
    step(block, queries, into) {
      const partial = stream.step ? stream.step(block, queries, into) : stepByToken(bound, block, queries)
      tokens += block.keys.rows
      return partial
    },
    merge(later) {
      if (!stream.merge) throw new RangeError(`${name}: cannot merge, merging is none`)
      stream.merge(later)
      tokens = stream.tokens ?? tokens
    },
    toBytes() {
      if (!stream.toBytes) throw new RangeError(`${name}: has no snapshot`)
      return stream.toBytes()
    },
    fork() {
      if (!stream.fork) throw new TypeError(`${name}: cannot be forked, its stream has no fork()`)
      return whole(name, shape, stream.fork(), tokens)
    },
    reset() {
      if (!stream.reset) throw new TypeError(`${name}: cannot be reset, its stream has no reset()`)
      stream.reset()
      tokens = 0
    },
    [Symbol.dispose]: () => stream[Symbol.dispose]?.(),
  }
}
