import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { Outcome, Protocol } from './task'

/** Answers that are known already, and the file in which new ones are kept. */
export interface Resume {
  readonly known: ReadonlyMap<string, Outcome>
  add(key: string, outcome: Outcome): void
  close(): void
}

/** Most bytes of the file, far more than any run writes. */
const MOST_BYTES = 256e6
const VERSION = 1

/**
 * Opens a file of outcomes by key: a line that names the protocol, then one JSON line for each outcome. A line that a killed run left incomplete is ignored.
 * Without a path nothing is kept.
 *
 * @throws Error when the file is no such file, of another protocol, or damaged; the message names the line, and the file stays as it was
 */
export function openResume(path: string | undefined, protocol: Protocol): Resume {
  const known = new Map<string, Outcome>()
  const isNew = path === undefined || !existsSync(path)
  const file = path === undefined ? undefined : openSync(path, isNew ? 'wx+' : 'r+')
  try {
    let end = 0
    if (file !== undefined && !isNew) end = readLines(path, file, protocol, known)
    const write = (value: unknown) => {
      if (file !== undefined) end += writeSync(file, `${JSON.stringify(value)}\n`, end)
    }
    if (file !== undefined) ftruncateSync(file, end)
    if (end === 0) write({ kind: 'sublinear evaluation', version: VERSION, protocol })
    return {
      known,
      add(key, outcome) {
        known.set(key, outcome)
        write({ key, ...outcome })
      },
      close: () => file !== undefined && closeSync(file),
    }
  } catch (error) {
    if (file !== undefined) closeSync(file)
    throw error
  }
}

/** Takes in the whole lines of a file; returns where they end. */
function readLines(path: string, file: number, protocol: Protocol, known: Map<string, Outcome>): number {
  const { size } = fstatSync(file)
  if (size > MOST_BYTES) throw new RangeError(`--resume ${path}: must be at most ${MOST_BYTES} bytes, got ${size}`)
  const text = readFileSync(file, 'utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (text !== '' && whole === '') throw new RangeError(`--resume ${path}: is not a file of an earlier run`)
  for (const [i, line] of whole.split('\n').slice(0, -1).entries()) {
    const wrong = (what: string) => new RangeError(`--resume ${path}: line ${i + 1} ${what}`)
    const value = parsed(line)
    if (value === undefined) throw wrong('is not a JSON object')
    if (i === 0) {
      if (value['kind'] !== 'sublinear evaluation' || value['version'] !== VERSION)
        throw new RangeError(`--resume ${path}: is not a file of an earlier run`)
      if (JSON.stringify(value['protocol']) !== JSON.stringify(protocol))
        throw new RangeError(
          `--resume ${path}: was begun with other texts or questions, ${JSON.stringify(value['protocol'])}, not ${JSON.stringify(protocol)}`,
        )
      continue
    }
    const { key, ...outcome } = value
    if (typeof key !== 'string' || !/^\S+ \S+ \d+(\/\d+)? \d+ \d+$/.test(key)) throw wrong('has no key that a task has')
    if (!isOutcome(outcome, protocol)) throw wrong('is not an outcome of a task')
    const before = known.get(key)
    if (before && JSON.stringify(before) !== JSON.stringify(outcome)) throw wrong('contradicts an earlier one')
    known.set(key, outcome)
  }
  return Buffer.byteLength(whole)
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** Whether a value has exactly the fields of an outcome of this protocol, each in its range. */
function isOutcome(value: Readonly<Record<string, unknown>>, protocol: Protocol): value is Outcome & typeof value {
  const { refused, peakBytes, right, bits, bytes, ...others } = value
  if (Object.keys(others).length > 0) return false
  if (refused !== undefined) return typeof refused === 'string' && Object.keys(value).length === 1
  if (!isCount(peakBytes)) return false
  if (protocol.kind === 'perplexity')
    return right === undefined && typeof bits === 'number' && bits >= 0 && bits < Infinity && isCount(bytes)
  return (
    bits === undefined &&
    bytes === undefined &&
    Array.isArray(right) &&
    right.length === protocol.depths.length &&
    right.every((answer) => typeof answer === 'boolean')
  )
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
