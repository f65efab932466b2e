import { crc32 } from '@sublinear/core'
import type { WholeFacts } from './graph-facts'

/** The facts of a model that opened before, as its proof holds them. */
export interface KnownFacts {
  readonly vocabulary: number
  readonly hasRows: boolean
  readonly isRounded: boolean
  /** Element types and sizes that occur. */
  readonly kinds: readonly (readonly [type: number, sizes: readonly (number | string)[] | null])[]
  /** The kind of each tensor, by the order of `factNames`. */
  readonly of: readonly number[]
}

/**
 * Writes the proof of an opening that passed the check: its stamp, the facts that the whole graph's session told, and a CRC-32 of both, a line each.
 *
 * @param names  tensors whose types and sizes are kept
 */
export function openingProof(stamp: string, names: readonly string[], facts: WholeFacts): string {
  const { types, shapes, vocabulary, hasRows, isRounded } = facts
  const kinds = new Map<string, number>()
  const of = names.map((name) => {
    const kind = JSON.stringify([types.get(name) ?? 0, shapes.get(name) ?? null])
    if (!kinds.has(kind)) kinds.set(kind, kinds.size)
    return kinds.get(kind)!
  })
  const known = {
    vocabulary,
    hasRows,
    isRounded,
    kinds: [...kinds.keys()].map((kind) => JSON.parse(kind) as unknown),
    of,
  }
  const lines = `${stamp}\n${JSON.stringify(known)}`
  return `${lines}\n${sumOf(lines)}`
}

/** Reads a proof. @returns the facts in it; undefined for a proof of another opening, or a text that is none */
export function provenFacts(proof: string, stamp: string): KnownFacts | undefined {
  const lines = proof.slice(0, proof.lastIndexOf('\n'))
  if (!lines.startsWith(`${stamp}\n`) || proof !== `${lines}\n${sumOf(lines)}`) return undefined
  return JSON.parse(lines.slice(stamp.length + 1)) as KnownFacts
}

/** Facts in the form in which they were found. @param names  as openingProof got them */
export function factsOf({ kinds, of, ...facts }: KnownFacts, names: readonly string[]): WholeFacts {
  const kindOf = (i: number) => kinds[of[i]]
  return {
    ...facts,
    types: new Map(names.map((name, i) => [name, kindOf(i)[0]])),
    shapes: new Map(names.flatMap((name, i) => (kindOf(i)[1] ? [[name, kindOf(i)[1]!]] : []))),
  }
}

const sumOf = (text: string) => crc32(new TextEncoder().encode(text)).toString(16)
