import { outOfScope } from './scope'

/** State that every stream keeps of its own life: how many tokens it was given, and whether it can still be used. */
export interface Life {
  tokens: number
  /** Throws unless the stream can be used. @throws TypeError when it was disposed, Error when a call failed halfway */
  check(): void
  /** Runs the half of a call that cannot refuse. If it throws all the same, the stream is broken for good, since the call may be half done. */
  act<T>(call: string, work: () => T): T
  /** Ends the life: the stream was disposed. */
  end(): void
}

/** The life of a stream called `who` that was given `tokens` tokens. It makes calls check before they take, so that none is ever half done or done twice. */
export function life(who: string, tokens = 0): Life {
  let isDisposed = false
  let broken: string | undefined
  return {
    tokens,
    check() {
      if (isDisposed) throw new TypeError(`${who}: this stream was disposed`)
      if (broken !== undefined) throw new Error(`${who}: this stream is broken since ${broken}`)
    },
    act(call, work) {
      try {
        return outOfScope(work)
      } catch (error) {
        broken = `${call} failed halfway: ${error instanceof Error ? error.message : String(error)}`
        throw error
      }
    },
    end() {
      isDisposed = true
    },
  }
}
