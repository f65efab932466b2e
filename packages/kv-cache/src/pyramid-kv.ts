import { checkFinite, checkInteger, type Shape } from '@sublinear/core'
import { snapKv, type SnapKvOptions } from './snap-kv'
import type { TokenTier } from './token-tier'

export interface PyramidOptions {
  /** Layers of the model. */
  readonly layers: number
  /** Tokens kept a layer, on average; the window among them. */
  readonly count: number
  /** Tokens that every layer keeps, whatever its budget. Default 8, the paper's. */
  readonly window?: number
  /** The last layer gets 1 / beta of the average beyond the window. Default 20, the paper's. */
  readonly beta?: number
}

export interface PyramidKvOptions extends PyramidOptions, Pick<SnapKvOptions, 'pool' | 'store'> {
  /** From 0, the layer next to the input. */
  readonly layer: number
}

/**
 * Budgets that fall from layer to layer: how many tokens each keeps.
 * Source: Cai et al., PyramidKV: Dynamic KV Cache Compression based on Pyramidal Information Funneling (2024), its arithmetic sequence.
 *   Deviation: rounded so that the budgets add up to layers · count and none is empty.
 *
 * @returns `layers` integers from the first layer on, each > window
 * @throws TypeError, RangeError when count ≤ window, beta < 1, or a size is no integer ≥ 1
 */
export function pyramidCounts({ layers, count, window = 8, beta = 20 }: PyramidOptions): number[] {
  checkInteger('pyramidKv', 'layers', layers, 1)
  checkInteger('pyramidKv', 'window', window, 1)
  checkInteger('pyramidKv', 'count', count, window + 1)
  checkFinite('pyramidKv', 'beta', beta)
  if (beta < 1) throw new RangeError(`pyramidKv: beta must be at least 1, got ${beta}`)
  const average = count - window
  const last = average / beta
  const first = 2 * average - last
  /** Tokens of the first `below` layers, unrounded: a sum of an arithmetic sequence. */
  const upTo = (below: number) =>
    below * first -
    (layers > 1 ? ((first - last) / (layers - 1)) * ((below * (below - 1)) / 2) : below * (first - average))
  const rounded = Array.from({ length: layers + 1 }, (_, i) => Math.round(upTo(i)))
  const beyond = rounded.slice(1).map((total, i) => Math.max(1, total - rounded[i]!))
  for (let lent = beyond.reduce((a, b) => a + b) - layers * average; lent > 0; lent--)
    beyond[beyond.lastIndexOf(Math.max(...beyond))]!--
  return beyond.map((tokens) => window + tokens)
}

/**
 * SnapKV with the budget of its layer: `pyramidKv({ layers, layer, count })` for the layers of one model.
 * Source: Cai et al. (2024); the selection is that of `snapKv`, and so is the snapshot.
 *
 * @param layers, layer, count, window, beta  as pyramidCounts has it, layer < layers; pool, store  as snapKv has them
 * @throws TypeError, RangeError as they do
 * Guarantee, Cost: of `snapKv`, with the count of the layer.
 */
export function pyramidKv(options: PyramidKvOptions): (shape: Shape) => TokenTier {
  const { layers, layer, window = 8, pool, store } = options
  const counts = pyramidCounts(options)
  checkInteger('pyramidKv', 'layer', layer, 0, layers - 1)
  return snapKv({ count: counts[layer]!, window, ...(pool !== undefined && { pool }), ...(store && { store }) })
}
