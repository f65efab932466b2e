import { checkInteger, type AttentionStream, type Shape, type StreamSpec, type TierSpec } from '@sublinear/core'
import { balanceKv } from '@sublinear/balance-kv'
import { exactStream } from '@sublinear/exact-attention'
import {
  clusters,
  h2o,
  pyramidKv,
  quantised,
  reservoir,
  snapKv,
  streamingLlm,
  tiers,
  tova,
  window,
} from '@sublinear/kv-cache'
import { autoStream } from '../auto/auto-stream'
import type { Recipe } from '../auto/recipe'
import { bufferWithin } from './buffer-within'
import { mostThatFits } from './most-that-fits'

/** The heads of a model, and what each may hold. */
export interface ModelBudget extends Shape {
  readonly layers: number
  readonly heads: number
  /** Of a head, on average over the layers. */
  readonly budgetBytes: number
  /** That will be read. */
  readonly tokens: number
  /** By layer and head, for autoStream. */
  readonly recipes?: readonly (readonly Recipe[])[]
}

/** What makes the empty stream of a head; layers and heads count from 0. */
export type ModelHeads = (layer: number, head: number) => AttentionStream

/** Sizes the streams of a model; undefined, or a RangeError, where none fits. */
export type ModelStream = (model: ModelBudget) => ModelHeads | undefined

const SINKS = 4
/** PyramidKV's window, which every layer keeps. */
const WINDOW = 8
/** The size of 8 and 8 bits. */
const MOST_BITS = 13

/**
 * The streams of this repository for all heads of a model, by name: each takes as much as the budget lets it. A plain record; put yours beside
 * them. `exact` takes what it needs, whatever the budget.
 * Source: not from the papers; each stream names its own.
 */
export const modelStreams: Readonly<Record<string, ModelStream>> = {
  exact: (model) => () => exactStream(model),
  streamingLlm: tiered((size) => [streamingLlm({ count: SINKS + size, sinks: SINKS })]),
  snapKv: tiered((size) => [snapKv({ count: 1 + size })], { learns: true }),
  pyramidKv: (model) => {
    const size = sizeWithin(model, layerOfPyramid, { learns: true })
    return size === 0
      ? undefined
      : (layer) => buffered(model, [pyramidKv({ layers: model.layers, layer, count: WINDOW + size, window: WINDOW })])
  },
  uniform: tiered((count, own) => [reservoir({ count, seed: own })]),
  h2o: tiered((count) => [h2o({ count })], { learns: true }),
  tova: tiered((count) => [tova({ count })], { learns: true }),
  clusters: tiered((count) => [clusters({ count })]),
  quantised: tiered((size, _, count) => [window({ count, store: quantised(bitsOf(size)) })], { most: MOST_BITS }),
  balanceKv: (model) => (layer, head) =>
    balanceKv({ ...shapeOf(model), budget: model.budgetBytes, seed: layer * model.heads + head }),
  autoStream: (model) => (layer, head) => {
    const recipe = model.recipes?.[layer]?.[head]
    const { budgetBytes, tokens } = model
    return autoStream({ ...shapeOf(model), budgetBytes, tokens, ...(recipe && { recipe }) })
  },
}

/** What a layer of pyramidKv holds where it gets the average. */
const layerOfPyramid = (size: number) => [snapKv({ count: WINDOW + size, window: WINDOW })] as const

/** Keys and values get as many bits, or keys one more: size 1 is 2 and 2, size 2 is 3 and 2. */
const bitsOf = (size: number) => ({ keyBits: 2 + Math.floor(size / 2), valueBits: 2 + Math.floor((size - 1) / 2) })

type Parts = (size: number, own: number, tokens: number) => readonly [...TierSpec[], StreamSpec]

interface Sizing {
  /** It learns from queries, and holds more once it has. */
  readonly learns?: boolean
  /** The largest size. */
  readonly most?: number
}

/** Tiers of which one is as large as fits. `own` differs from head to head: a seed where one is needed. */
function tiered(parts: Parts, sizing: Sizing = {}): ModelStream {
  return (model) => {
    const size = sizeWithin(model, (size) => parts(size, 0, model.tokens), sizing)
    return size === 0
      ? undefined
      : (layer, head) => buffered(model, parts(size, layer * model.heads + head, model.tokens))
  }
}

function sizeWithin(
  model: ModelBudget,
  parts: (size: number) => readonly [...TierSpec[], StreamSpec],
  { learns = false, most }: Sizing,
): number {
  checkInteger('modelStreams', 'layers', model.layers, 1)
  checkInteger('modelStreams', 'heads', model.heads, 1)
  const { budgetBytes, tokens } = model
  const make = (size: number) => buffered(model, parts(size))
  const limits = { ...(most !== undefined && { most }), ...(learns && { groups: 1 }) }
  return mostThatFits({
    make,
    shape: shapeOf(model),
    budgetBytes,
    tokens,
    block: bufferWithin(budgetBytes, model),
    ...limits,
  })
}

function buffered(model: ModelBudget, parts: readonly [...TierSpec[], StreamSpec]): AttentionStream {
  return tiers({ ...shapeOf(model), parts, buffer: bufferWithin(model.budgetBytes, model) })
}

const shapeOf = ({ d, dv, scale }: Shape): Shape => ({ d, dv, scale })
