import fc from 'fast-check'

/** A property that every implementation of a contract has. A test runner needs only `test(law.name, law.run)`. */
export interface Law {
  readonly name: string
  /** The mistakes that this law rejects. */
  readonly kills: readonly string[]
  /** Runs the law. @throws Error with the smallest counterexample found */
  readonly run: () => void
}

const SEED = 20260122

/** Makes a law over random inputs, which are the same on every run. */
export function law<T>(
  { name, kills, runs = 20 }: { name: string; kills: string[]; runs?: number | undefined },
  inputs: fc.Arbitrary<T>,
  holds: (input: T) => void,
): Law {
  return { name, kills, run: () => fc.assert(fc.property(inputs, holds), { seed: SEED, numRuns: runs }) }
}

/** Fails the law, unless the condition holds. */
export function insist(condition: boolean, failure: string): void {
  if (!condition) throw new Error(failure)
}

export function sameBits(got: ArrayBufferView, wanted: ArrayBufferView, what: string): void {
  const a = bytesOf(got)
  const b = bytesOf(wanted)
  insist(a.length === b.length, `${what}: ${a.length} bytes, not ${b.length}`)
  const at = a.findIndex((byte, i) => byte !== b[i])
  insist(at < 0, `${what}: differs at byte ${at} of ${a.length}`)
}

/** Checks |got − wanted| ≤ most, number by number; NaN is far from everything. */
export function close(got: ArrayLike<number>, wanted: ArrayLike<number>, most: number, what: string): void {
  insist(got.length === wanted.length, `${what}: ${got.length} numbers, not ${wanted.length}`)
  for (let i = 0; i < got.length; i++) {
    const near = got[i] === wanted[i] || Math.abs(got[i] - wanted[i]) <= most
    insist(near, `${what}: ${got[i]} at ${i}, not ${wanted[i]} to ${most}`)
  }
}

/** Checks that a call throws an Error of exactly this class, whose message begins with a name and a colon; returns the message. */
export function refusal(
  call: () => unknown,
  wanted: typeof TypeError | typeof RangeError | undefined,
  what: string,
): string {
  let thrown: unknown
  try {
    call()
  } catch (error) {
    thrown = error
  }
  insist(thrown instanceof Error, `${what}: was accepted`)
  const { message } = thrown as Error
  const right = wanted ? thrown instanceof wanted : thrown instanceof TypeError || thrown instanceof RangeError
  insist(right, `${what}: threw ${String(thrown)}, not a ${wanted?.name ?? 'TypeError or RangeError'}`)
  insist(
    /^[A-Za-z][\w./-]*: ./.test(message),
    `${what}: the message must begin with a name and a colon, got "${message}"`,
  )
  return message
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}
