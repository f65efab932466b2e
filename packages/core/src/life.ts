import { outOfScope } from './scope'

/** How many tokens a stream was given, and whether it can still be used. */
export interface Life {
  tokens: number
  /** @throws TypeError when it was disposed, Error when a call failed halfway through it */
  check(): void
  /** Runs the half of a call that cannot refuse. What throws in it all the same breaks the stream for good, since it may be half done. */
  act<T>(call: string, work: () => T): T
  /** Ends it: it was disposed. */
  end(): void
}

/** The life of a stream called `who`, which was given so many tokens: check, then take; never half, never twice. */
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
