import type { OnnxNode } from './graph'

/** Where heads lie in a tensor: rows are 1 × S × heads·d, heads are 1 × heads × S × d. */
export type Layout = 'rows' | 'heads'

/** One place of a graph where attention is computed, and the tensors that it is computed from; numbers that the graph computes are still tensors. */
export interface AttentionSite {
  /** For messages: the node's operator and name. */
  readonly title: string
  readonly dialect: 'GroupQueryAttention' | 'MultiHeadAttention' | 'Attention' | 'decomposed'
  /** Queries, keys and values, in this order; one tensor three times where they lie packed side by side. New tokens alone, not those of the past. */
  readonly inputs: readonly [string, string, string]
  readonly layout: Layout
  readonly isPacked: boolean
  /** The tensor that attention makes, and the rest of the graph reads. */
  readonly output: string
  readonly outputLayout: Layout
  readonly heads?: number | undefined
  readonly kvHeads?: number | undefined
  /** The factor inside exp: this number, times the tensors (or divided by them); undefined: 1/√d. */
  readonly scale?: { readonly number: number; readonly factors: readonly Factor[] } | undefined
  readonly softcap?: number | Factor | undefined
  readonly window?: number | undefined
  /** Cosines and sines by place, each places × pairs. */
  readonly rotary?: { readonly cos: string; readonly sin: string; readonly isInterleaved: boolean } | undefined
  /** A logit without a value a query head. */
  readonly sinks?: string | undefined
  readonly masks: readonly Mask[]
  /** Whether the operator hides later tokens by itself. */
  readonly isCausal: boolean
  /** The cache's tensors: graph inputs, and what they become. */
  readonly past: readonly string[]
  /** Keys and values of its own where its past is what another attention makes: they must have no rows, and all `inputs` are its queries. */
  readonly none?: readonly string[] | undefined
  /** The attention whose keys and values it reads. */
  readonly source?: AttentionSite | undefined
  readonly present: readonly string[]
}

/** A tensor of one number. */
export interface Factor {
  readonly tensor: string
  readonly divides: boolean
}

/** S × T, perhaps behind dimensions of one. Additive: 0 where a token is seen. Else booleans: true where it is seen, or where it is not. */
export interface Mask {
  readonly tensor: string
  readonly meaning: 'additive' | 'seen' | 'unseen'
}

export const intOf = ({ attributes }: OnnxNode, name: string, otherwise: number): number =>
  attributes.get(name)?.int ?? otherwise
export const floatOf = ({ attributes }: OnnxNode, name: string): number | undefined => attributes.get(name)?.float
