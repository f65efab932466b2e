import type { OnnxNode } from './graph'

/** Layout of heads in a tensor: 'rows' are 1 × S × heads·d, 'heads' are 1 × heads × S × d. */
export type Layout = 'rows' | 'heads'

/** A place in a graph where attention is computed, with the tensors from which it is computed; numbers that the graph computes are still tensors. */
export interface AttentionSite {
  /** Operator and name of the node, for messages. */
  readonly title: string
  readonly dialect: 'GroupQueryAttention' | 'MultiHeadAttention' | 'Attention' | 'decomposed'
  /** Tensors of queries, keys and values, in this order; three times the same tensor where they are packed side by side. They have the new tokens alone. */
  readonly inputs: readonly [string, string, string]
  readonly layout: Layout
  readonly isPacked: boolean
  /** Tensor that the attention makes, and the rest of the graph reads. */
  readonly output: string
  readonly outputLayout: Layout
  readonly heads?: number | undefined
  readonly kvHeads?: number | undefined
  /** Factor inside exp: this number, times the tensors (or divided by them). Absent: 1/√d. */
  readonly scale?: { readonly number: number; readonly factors: readonly Factor[] } | undefined
  readonly softcap?: number | Factor | undefined
  readonly window?: number | undefined
  /** Tensors of cosines and sines by place, each places × pairs. */
  readonly rotary?: { readonly cos: string; readonly sin: string; readonly isInterleaved: boolean } | undefined
  /** Tensor with a logit without a value for each query head. */
  readonly sinks?: string | undefined
  readonly masks: readonly Mask[]
  /** Whether the operator itself hides later tokens. */
  readonly isCausal: boolean
  /** Tensors of the cache: inputs of the graph, and the outputs that they become. */
  readonly past: readonly string[]
  /** Keys and values of its own, where its past is made by another attention: they must have no rows, and all `inputs` are its queries. */
  readonly none?: readonly string[] | undefined
  /** The attention whose keys and values this one reads. */
  readonly source?: AttentionSite | undefined
  readonly present: readonly string[]
}

/** A tensor of one number. */
export interface Factor {
  readonly tensor: string
  readonly divides: boolean
}

/** A mask of S × T, perhaps behind dimensions of one. Additive: 0 where a token is seen. Else booleans: true where it is seen, or true where it is not. */
export interface Mask {
  readonly tensor: string
  readonly meaning: 'additive' | 'seen' | 'unseen'
}

export const intOf = ({ attributes }: OnnxNode, name: string, otherwise: number): number =>
  attributes.get(name)?.int ?? otherwise
export const floatOf = ({ attributes }: OnnxNode, name: string): number | undefined => attributes.get(name)?.float
