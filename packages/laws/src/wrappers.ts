import type { AttentionStream, KvBlock, Matrix, Tier } from '@sublinear/core'

/** Wraps a stream or tier in one that forwards to it, as wrappers for logging, counting or rounding do. */
export interface Wrapper {
  readonly name: string
  readonly wrap: <S extends AttentionStream>(stream: S) => S
  /** Whether answers have the same bits: a wrapper that does not hand on `into` leaves the adding up to its caller. */
  readonly bits: boolean
}

/** Members that a wrapper hands on although it need not know them. */
interface Forwarded {
  readonly check: boolean
  readonly into: boolean
  readonly dropped: boolean
}

/** Makes an object literal that forwards member by member. */
function forwarding<S extends AttentionStream>(stream: S, { check, into, dropped }: Forwarded): S {
  const { admit, absorb, observe } = stream as unknown as Partial<Tier>
  const { d, dv, scale, merging } = stream
  const wrapper: Omit<AttentionStream, 'fork'> & Partial<Disposable> & { fork(): AttentionStream } = {
    d,
    dv,
    scale,
    merging,
    get tokens() {
      return stream.tokens
    },
    get bytes() {
      return stream.bytes
    },
    get counters() {
      return stream.counters ?? {}
    },
    ...(check && stream.check && { check: stream.check }),
    push: (block) => stream.push(block),
    attend: (queries, partial) => (into ? stream.attend(queries, partial) : stream.attend(queries)),
    step: (block, queries) => stream.step(block, queries),
    merge: (later) => stream.merge(later),
    toBytes: () => stream.toBytes(),
    fork: () => forwarding(stream.fork(), { check, into, dropped }),
    reset: () => stream.reset(),
    ...(admit && { admit: (block: KvBlock, drop?: boolean) => (dropped ? admit(block, drop) : admit(block)) }),
    ...(absorb && { absorb }),
    ...(observe && { observe }),
    [Symbol.dispose]: () => (stream as Partial<Disposable>)[Symbol.dispose]?.(),
  }
  return wrapper as unknown as S
}

/** Makes a proxy that counts calls and forwards all of them. */
function counting<S extends AttentionStream>(stream: S): S {
  const calls = new Map<PropertyKey, number>()
  return new Proxy(stream, {
    get(of, name) {
      calls.set(name, (calls.get(name) ?? 0) + 1)
      return Reflect.get(of, name)
    },
  })
}

/** Makes a wrapper that forwards all members except some. */
const forwards = (name: string, given: Forwarded): Wrapper => ({
  name,
  wrap: (stream) => forwarding(stream, given),
  bits: given.into,
})
const all: Forwarded = { check: true, into: true, dropped: true }
/** Ways to wrap that must make no difference. */
export const wrappers: readonly Wrapper[] = [
  { name: 'a proxy', wrap: counting, bits: true },
  forwards('every member forwarded', all),
  forwards('no check', { ...all, check: false }),
  forwards('no into', { ...all, into: false }),
  forwards('no dropped', { ...all, dropped: false }),
  forwards('the least that a contract asks for', { check: false, into: false, dropped: false }),
]

/** A call of a stream or tier that may fail. */
export type Fallible = 'push' | 'step' | 'attend' | 'merge' | 'admit' | 'absorb' | 'observe'

/**
 * Makes a stream that fails at one call of one member: before the call is done, or afterwards.
 *
 * @param member  the member; at  number of calls of it that succeed before; done  whether the failing call is done first
 */
export function failing<S extends AttentionStream>(
  stream: S,
  { member, at, done }: { readonly member: Fallible; readonly at: number; readonly done: boolean },
): S {
  let calls = 0
  return new Proxy(stream, {
    get(of, name) {
      const own = Reflect.get(of, name) as unknown
      if (name !== member || typeof own !== 'function') return own
      return (...given: [Matrix & KvBlock]) => {
        const isNow = calls++ === at
        if (isNow && !done) throw new Error('part: it fails here')
        const out: unknown = (own as (...all: unknown[]) => unknown).apply(of, given)
        if (isNow) throw new Error('part: it fails here')
        return out
      }
    },
  })
}

/** Refuses tokens (pushed, stepped or admitted) once it has been given so many: in `check`, or in the call where nobody asks `check`. */
export function refusing<S extends AttentionStream>(stream: S, at: number): S {
  let isAsked = false
  const ask = () => {
    if (stream.tokens >= at) throw new RangeError('part: it takes no more')
  }
  const asked = (own: () => void) => {
    ask()
    own()
    isAsked = true
  }
  const check = {
    push: (block: KvBlock, isSound?: boolean) => asked(() => stream.check?.push(block, isSound)),
    step: (block: KvBlock, queries: Matrix, isSound?: boolean) =>
      asked(() => stream.check?.step(block, queries, isSound)),
    merge: (later: Pick<AttentionStream, 'toBytes'>) => stream.check?.merge(later),
  }
  const taken = <T>(own: () => T): T => {
    if (!isAsked) ask()
    return own()
  }
  const own: Partial<Tier> = {
    check,
    push: (block) => taken(() => stream.push(block)),
    step: (block, queries) => taken(() => stream.step(block, queries)),
    admit: (block, dropped) => taken(() => (stream as unknown as Tier).admit(block, dropped)),
  }
  return new Proxy(stream, {
    get: (of, name) => Reflect.get(Object.hasOwn(own, name) && name in of ? own : of, name),
  })
}
