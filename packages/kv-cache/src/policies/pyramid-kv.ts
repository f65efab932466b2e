import { checkFinite, checkInteger, checkOptions, type Shape, type TierMethod } from '@sublinear/core'
import { scored } from '../scored'
import { scoredMethod } from '../scored-method'
import { checkTokenOptions, SIZES, type TokenOptions } from '../token-options'
import { type TokenTier } from '../token-tier'
import { snapKvPolicy, type SnapKvOptions } from './snap-kv'

const KIND = 'pyramidKv'
const SOURCE = 'Cai et al., PyramidKV: Dynamic KV Cache Compression based on Pyramidal Information Funneling (2024)'
/** Tokens that every layer keeps: the number of the paper. */
const WINDOW = 8
const OWN = ['layers', 'layer', 'window', 'beta', 'pool']

export interface PyramidOptions {
  /** Number of layers of the model. */
  readonly layers: number
  /** Tokens kept in a layer, on average, with the window. */
  readonly count: number
  /** Tokens that every layer keeps, whatever its budget. Default 8, as in the paper. */
  readonly window?: number | undefined
  /** Divisor for the last layer: it gets 1 / beta of the average beyond the window. Default 20, as in the paper. */
  readonly beta?: number | undefined
}

export interface PyramidKvOptions extends PyramidOptions, Pick<SnapKvOptions, 'pool'>, Omit<TokenOptions, 'count'> {
  /** Index of the layer; layer 0 is the one next to the input. */
  readonly layer: number
}

/**
 * Shares a budget between layers, less from layer to layer: says how many tokens each keeps.
 * Source: Cai et al., PyramidKV: Dynamic KV Cache Compression based on Pyramidal Information Funneling (2024), its arithmetic sequence.
 *   Deviation: budgets are rounded so that they add up to layers · count and none is empty.
 *
 * Guarantee: the budgets add up to layers · count, and each is above `window`.
 * Cost: O(layers).
 *
 * @returns `layers` integers from the first layer on, each > window
 * @throws TypeError, RangeError when count ≤ window, beta < 1, or a size is no integer ≥ 1
 */
export function pyramidCounts(options: PyramidOptions): number[] {
  const { layers, count, window = WINDOW, beta = 20 } = Object(options) as PyramidOptions
  checkInteger(KIND, 'layers', layers, 1)
  checkInteger(KIND, 'window', window, 1)
  checkInteger(KIND, 'count', count, window + 1)
  checkFinite(KIND, 'beta', beta)
  if (beta < 1) throw new RangeError(`${KIND}: beta must be at least 1, got ${beta}`)
  const average = count - window
  const last = average / beta
  const first = 2 * average - last
  /** Tokens of the first `below` layers, before rounding: a sum of an arithmetic sequence. */
  const upTo = (below: number) =>
    below * first -
    (layers > 1 ? ((first - last) / (layers - 1)) * ((below * (below - 1)) / 2) : below * (first - average))
  const rounded = Array.from({ length: layers + 1 }, (_, i) => Math.round(upTo(i)))
  const beyond = rounded.slice(1).map((total, i) => Math.max(1, total - rounded[i]))
  for (let lent = beyond.reduce((a, b) => a + b) - layers * average; lent > 0; lent--)
    beyond[beyond.lastIndexOf(Math.max(...beyond))]--
  return beyond.map((tokens) => window + tokens)
}

/**
 * SnapKV with the budget of its layer: `pyramidKv({ layers, layer, count })` for the layers of one model.
 * Source: Cai et al. (2024); the selection is that of `snapKv`, and so is the snapshot.
 *
 * Guarantee: that of `snapKv`, with the count of the layer.
 * Cost: that of `snapKv`, with the count of the layer.
 *
 * @param layers, layer, count, window, beta  as in `pyramidCounts`, with layer < layers; pool, store  as in `snapKv`
 * @throws TypeError, RangeError when pyramidCounts or snapKv does
 * @example
 * const stream = pyramidKv({ count: 64, layer: 0, layers: 4 })({ d: 2, dv: 2, scale: 1 })
 * stream.step({ keys: matrix(100, 2), values: matrix(100, 2) }, matrix(100, 2))
 * stream.tokens // 100
 */
export function pyramidKv(options: PyramidKvOptions): (shape: Shape) => TokenTier {
  checkOptions(KIND, options, [...SIZES, ...OWN])
  const { layers, layer, window = WINDOW, pool, store, buffer } = options
  const counts = pyramidCounts(options)
  checkInteger(KIND, 'layer', layer, 0, layers - 1)
  checkTokenOptions(KIND, options, OWN)
  return layered({
    count: counts[layer],
    window,
    ...(pool && { pool }),
    ...(store && { store }),
    ...(buffer !== undefined && { buffer }),
  })
}

const layered = scored(snapKvPolicy(KIND, SOURCE))
const sized = scoredMethod(layered, { least: () => WINDOW + 1, options: () => ({ window: WINDOW }) })

/** Record of the method. Its sizes are for the average layer, its bytes for the layer that the options name. */
export const pyramidKvMethod: TierMethod<PyramidKvOptions> = {
  name: KIND,
  source: SOURCE,
  learns: 'queries',
  can: sized.can,
  tier: pyramidKv,
  make: (shape, options) => pyramidKv(options)(shape),
  bytes: (shape, options, traffic) => sized.bytes(shape, ofLayer(options), traffic),
  tierBytes: (shape, options, traffic, buffer) => sized.tierBytes(shape, ofLayer(options), traffic, buffer),
  within(shape, budgetBytes, traffic) {
    const { layer = 0, layers = 1 } = traffic.place ?? {}
    const average = sized.within(shape, budgetBytes, traffic)
    return average && { ...average, layer, layers }
  },
  atRate: (_, options, rate) => ({
    ...options,
    count: Math.max((options.window ?? WINDOW) + 1, Math.round(options.count * rate)),
  }),
  open: layered.open,
}

/** The options of snapKv for the layer that the options name. */
function ofLayer({ layer, beta, layers, ...options }: PyramidKvOptions): SnapKvOptions & TokenOptions {
  const counts = pyramidCounts({ ...options, layers, ...(beta !== undefined && { beta }) })
  return { ...options, window: options.window ?? WINDOW, count: counts[layer] }
}
