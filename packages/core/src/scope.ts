let made: Disposable[] | undefined

/**
 * Disposes of everything that is made inside it: every stream and layer that is made while `run` runs is disposed of when `run` returns or throws, also a
 * stream that `run` returns. Streams made before stay, with whatever they are given inside.
 *
 * @param run  synchronous; scopes may stand within scopes
 * @returns what `run` returns: numbers and matrices outlive the scope
 * @throws TypeError when `run` returns a promise, since it would go on to use streams that are gone
 */
export function scope<T>(run: () => T): T {
  if (typeof run !== 'function') throw new TypeError(`scope: run must be a function, got ${String(run)}`)
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

/** Puts a new stream or layer into the scope that is open, if one is. */
export function inScope<T extends Disposable>(one: T): T {
  made?.push(one)
  return one
}

/** Runs work of a stream that was made outside the open scope: streams that it makes for itself stay with it. */
export function outOfScope<T>(work: () => T): T {
  const around = made
  made = undefined
  try {
    return work()
  } finally {
    made = around
  }
}
