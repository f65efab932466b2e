import type { ModelAdvice } from '@sublinear/small-lm'

/** One comparison: a method within a byte budget, in one model, on texts of one length. */
export interface Cell {
  /** Name of a model that comes with the command, or a folder. */
  readonly model: string
  /** Name of the method, or 'advised'. */
  readonly method: string
  /** CRC-32 of whatever decides the method beside its name: the user's own module, or its advice. */
  readonly version?: string
  /** Share of the float32 cache of all tokens; '1' for exact. */
  readonly budget: string
  readonly tokens: number
}

/** Settings that decide the texts and questions, the same for every cell of one length. */
export type Protocol = NeedleProtocol | BitsProtocol

export interface NeedleProtocol {
  readonly kind: 'needle'
  /** A held-out text by name, or a file. */
  readonly text: string
  /** CRC-32 of that text. */
  readonly crc: number
  readonly depths: readonly number[]
  /** Number of needles of a text that are never asked for. */
  readonly distractors: number
  readonly seed: number
}

export interface BitsProtocol {
  readonly kind: 'perplexity'
  readonly text: string
  readonly crc: number
  /** Most windows of the text. */
  readonly windows: number
}

/** One text that one cell reads: a pure function of the protocol, the cell and the trial (number of the text, or of the window). */
export interface Task {
  readonly protocol: Protocol
  readonly cell: Cell
  readonly trial: number
  /** Path of the module of a user's own method. */
  readonly path?: string
  /** Advice for each head, where the cell's method is 'advised'. */
  readonly advice?: ModelAdvice
}

/** Outcome of a task: refused; or answers or bits, with the bytes held. */
export type Outcome = Refused | (Held & (Answers | Cost))

/** An outcome without answers: no such stream fits the budget, or it failed. */
export interface Refused {
  readonly refused: string
}

interface Held {
  /** Most bytes that the streams of all heads held: the sum of their peaks. */
  readonly peakBytes: number
}

/** Answers by depth: whether the whole answer was right. */
interface Answers {
  readonly right: readonly boolean[]
}

/** Bits that the scored tokens cost, and the bytes of text that they stand for. */
interface Cost {
  readonly bits: number
  readonly bytes: number
}

/** The name of a cell, or of one of its trials. */
export function keyOf({ model, method, version, budget, tokens }: Cell, trial?: number): string {
  const name = method.replaceAll(/\s/g, '_') + (version === undefined ? '' : `@${version}`)
  return [model, name, budget, tokens, ...(trial === undefined ? [] : [trial])].join(' ')
}

/** The bytes of a share such as '1/8' of a cache. */
export function budgetBytes(share: string, cacheBytes: number): number {
  const [part, whole = 1] = share.split('/').map(Number)
  return Math.floor((cacheBytes * part) / whole)
}
