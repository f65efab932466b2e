import type { PartialSoftmax } from '@sublinear/core'
import { nextCall, type Call } from './calls.ts'
import { dice, ended, type Dice } from './parts.ts'
import { HIDES, SHAPE, target, type Subject, type Target } from './target.ts'

/** Record of what one program did. */
export interface Run {
  readonly methods: readonly string[]
  readonly kind: Target['kind']
  calls: number
  refusals: number
  broken: number
  reopened: number
  merged: number
}

const isSame = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

function insist(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`programs: ${what}`)
}

/** Error that a call throws, or undefined. */
function thrown(call: () => unknown): Error | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    return error as Error
  }
}

function insistFinite({ max, mass, sum }: PartialSoftmax): void {
  insist(mass.every((x) => Number.isFinite(x) && x >= 0) && sum.data.every(Number.isFinite), 'an answer is not finite')
  insist(
    max.every((x, i) => Number.isFinite(x) || (x === -Infinity && mass[i] === 0)),
    'a maximum is not finite',
  )
}

/**
 * The program of a seed on a random target: after a throw `toBytes` is what it was, or every later call says broken; tokens grow by what was given; a
 * twin that was given only the calls that went through has the same bytes at the end.
 *
 * @throws Error that says what does not hold
 */
export function program(seed: number): Run {
  const random = dice(seed)
  const of = target(random)
  const run: Run = { methods: of.methods, kind: of.kind, calls: 0, refusals: 0, broken: 0, reopened: 0, merged: 0 }
  const says = (error: unknown) =>
    new Error(`program ${seed} (${of.kind} of ${of.methods}; ${of.dresses}): ${(error as Error).message}`, {
      cause: error,
    })
  try {
    follow(random, of, run)
  } catch (error) {
    throw says(error)
  }
  return run
}

function follow(random: Dice, of: Target, run: Run): void {
  const weighted = random.chance(0.2)
  let [stream, twin] = [of.make(true), of.make(false)]
  const sum = { tokens: 0, weight: 0 }
  const count = 5 + random.below(11)
  for (let at = 0; at < count; at++) {
    const before = stream.toBytes()
    if (random.chance(0.08)) {
      const both = [of.open(before), of.open(twin.toBytes())]
      for (const old of [stream, twin]) ended(old as Partial<Disposable>)
      ;[stream, twin] = both
      run.reopened++
      insist(stream.tokens === sum.tokens, `${stream.tokens} tokens once opened, not ${sum.tokens}`)
      insist(isSame(stream.toBytes(), before), 'other bytes once opened')
      continue
    }
    const call = nextCall(random, of, weighted, sum)
    run.calls++
    let answer: unknown
    const error = thrown(() => (answer = call.run(stream)))
    if (error) {
      run.refusals++
      if (refused(stream, error, call, before, sum.tokens)) continue
      run.broken++
      insist(!call.isWrong, `${call.name} of what must be refused broke the stream: ${error.message}`)
      insist(
        mayBreak(of, call, error),
        `${call.name} broke the stream, though every part could be asked: ${error.message}`,
      )
      insistBroken(stream, random, of)
      return
    }
    insist(!call.isWrong, `${call.name} took what must be refused`)
    // A part that cannot be asked refuses nothing until tokens reach it; the twin's can, and what it refuses the program ends with.
    const early = thrown(() => call.run(twin))
    if (early) {
      insist(
        early instanceof RangeError && /never asked|no check|the least/.test(of.dresses.join()),
        `the twin refused: ${early.message}`,
      )
      return
    }
    if (call.name !== 'attend') {
      sum.weight += call.weight
      sum.tokens += call.tokens
    } else insist(isSame(stream.toBytes(), before), 'attend changed the stream')
    if (call.name === 'merge') run.merged++
    if (answer) insistFinite(answer as PartialSoftmax)
    insistCounted(stream, of, sum)
  }
  insist(isSame(stream.toBytes(), twin.toBytes()), 'refused calls left a trace: the twin has other bytes')
  for (const one of [stream, twin]) ended(one as Partial<Disposable>)
}

/** A part failed, or could not be asked; or a merge displaced tokens to a part that does not take them, which nobody knows before. */
function mayBreak({ dresses }: Target, { name }: Call, { message }: Error): boolean {
  if (message.includes('part: it fails here') || dresses.some((dress) => HIDES.has(dress))) return true
  return name === 'merge' && message.startsWith('part:')
}

/** Whether a call that threw changed nothing; else the stream must say that it is broken. */
function refused(stream: Subject, error: Error, { name }: Call, before: Uint8Array, tokens: number): boolean {
  const isOwn = error instanceof TypeError || error instanceof RangeError || error.message.startsWith('part:')
  insist(isOwn && !error.message.includes('is broken since'), `${name} threw ${error.name}: ${error.message}`)
  let after: Uint8Array | undefined
  const silent = thrown(() => (after = stream.toBytes()))
  if (silent) {
    insist(silent.message.includes('is broken since'), `after ${name} failed, toBytes throws ${silent.message}`)
    return false
  }
  insist(isSame(after!, before), `${name} threw and changed the bytes: ${error.message}`)
  insist(stream.tokens === tokens, `${name} threw and changed tokens: ${error.message}`)
  return true
}

function insistBroken(stream: Subject, random: Dice, of: Target): void {
  const block = {
    keys: { rows: 1, cols: of.heads * SHAPE.d, data: new Float32Array(of.heads * SHAPE.d).fill(random.entry()) },
    values: { rows: 1, cols: of.heads * SHAPE.dv, data: new Float32Array(of.heads * SHAPE.dv) },
  }
  const cols = of.heads * of.headGroups * SHAPE.d
  const queries = { rows: 1, cols, data: new Float32Array(cols) }
  const fresh = of.make(false)
  const later = {
    push: () => stream.push(block),
    step: () => stream.step(block, queries),
    attend: () => stream.attend(queries),
    merge: () => stream.merge(fresh),
    toBytes: () => stream.toBytes(),
  }
  for (const [name, call] of Object.entries(later)) {
    const message = thrown(call)?.message ?? 'it went through'
    insist(message.includes('is broken since'), `once broken, ${name} says: ${message}`)
  }
}

/** Every token is counted once: by the stream, by no part more than once, and in the mass where all parts keep it. */
function insistCounted(stream: Subject, of: Target, { tokens, weight }: { tokens: number; weight: number }): void {
  insist(stream.tokens === tokens, `${stream.tokens} tokens, not ${tokens}`)
  const parts = stream.parts ?? []
  for (const part of parts) insist(part.tokens <= tokens, `a part counts ${part.tokens} of ${tokens} tokens`)
  if (!of.keepsMass) return
  const cols = of.heads * of.headGroups * SHAPE.d
  let answer: PartialSoftmax | undefined
  // A part that fails in attend leaves nothing to compare.
  if (thrown(() => (answer = stream.attend({ rows: 1, cols, data: new Float32Array(cols) })))) return
  const { mass, max } = answer!
  for (const [i, own] of mass.entries()) {
    const found = own === 0 ? 0 : own * Math.exp(max[i])
    insist(Math.abs(found - weight) <= 1e-3 * (1 + weight), `a mass of ${found} at a query of zeros, not ${weight}`)
  }
}
