let made: Disposable[] | undefined

/**
 * Gives back what is made inside: every stream and layer made while `run` runs is disposed of when it ends, whether it returns or throws; a stream that it returns, too. Streams
 * made before stay, whatever they are given inside.
 *
 * @param run  synchronous; scopes may stand within scopes
 * @returns what run returns: numbers and matrices, which are nobody's memory
 * @throws TypeError when run returns a promise: what it goes on to use would be gone
 */
export function scope<T>(run: () => T): T {
  const around = made
  const own: Disposable[] = (made = [])
  try {
    const result = run()
    if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function')
      throw new TypeError('scope: run must be synchronous, got one that returns a promise; use `using` there')
    return result
  } finally {
    made = around
    for (const one of own.toReversed()) one[Symbol.dispose]()
  }
}

/** Puts what was just made into the scope that is open, if any. */
export function inScope<T extends Disposable>(one: T): T {
  made?.push(one)
  return one
}

/** Work of a stream that stands outside: what it makes for itself is its own. */
export function outOfScope<T>(work: () => T): T {
  const around = made
  made = undefined
  try {
    return work()
  } finally {
    made = around
  }
}
