import type { Random } from './random.ts'

/** Outcome of one attempt. */
export interface Outcome {
  /** Word for the counts: 'refused', 'accepted', … */
  readonly outcome: string
  /** A fault, in a word that all faults of its sort share. */
  readonly finding?: string
  readonly detail?: string
  /** The input that shows the fault. */
  readonly input?: Uint8Array
}

/** A hostile campaign: units, each of which can be attempted any number of times. */
export interface Campaign {
  readonly name: string
  /** A sentence that says what is tried, and what must hold. */
  readonly about: string
  /** Attempts of a unit in a sample run, and in a round of the long one. */
  readonly sample: number
  readonly round: number
  /** Seconds of the machine that an attempt may take before it counts as a hang. */
  readonly patience: number
  units(): readonly string[]
  /** Prepares a unit and returns a function that makes one attempt, decided by `random` alone. */
  begin(unit: string): Attempt | Promise<Attempt>
}

export type Attempt = (random: Random, index: number) => Outcome | Promise<Outcome>

/** A message without the part in brackets, in which the independent reader of a file says what it found. */
export const ownWords = (message: string): string => message.replace(/(cannot be read as \w+) \(.*\)/, '$1')

/** Says why an error does not keep the grammar `who: sentence`: its class is another, or an engine threw it. Undefined where it keeps it. */
export function outOfGrammar(error: unknown): string | undefined {
  if (!(error instanceof Error)) return `threw ${typeof error}`
  const { constructor, message } = error
  if (constructor !== RangeError && constructor !== TypeError) return `threw ${constructor.name}`
  if (/call stack|Invalid (typed )?array|Array buffer allocation|offset is out of/.test(ownWords(message)))
    return 'the engine refused'
  return /^[A-Za-z][A-Za-z0-9 -]*: ./.test(message) ? undefined : 'an error out of the grammar'
}

/** A short text of an error's message and the place where it was thrown. */
export function told(error: unknown): string {
  const { message, stack = '' } = error as Error
  const places = stack.split('\n').filter((line) => line.includes('packages/'))
  const place = places[0]?.replace(/^.*packages\//, '').replace(/\)$/, '') ?? ''
  return `${String(message).slice(0, 200)} (${place})`
}
