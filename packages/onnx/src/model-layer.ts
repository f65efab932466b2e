import type { Shape } from '@sublinear/core'
import type { Tensor } from 'onnxruntime-common'
import type { AttentionSite, Factor } from './attention-site'
import type { GraphFacts } from './graph-facts'
import { floatsOf } from './ort'
import { notSupported } from './refuse'
import { rotaryTables, type RotaryTables } from './rotary-tables'

/** The heads of one attention, with everything that the graph says of them, as numbers. */
export interface ModelLayer {
  readonly site: AttentionSite
  readonly heads: number
  readonly kvHeads: number
  /** Number of query heads of a key head. */
  readonly groups: number
  /** Shape of its streams; `shapeOf` adds the sinks. */
  readonly shape: Shape
  readonly sinks?: Float32Array | undefined
  readonly rotary?: RotaryTables | undefined
}

/**
 * Makes the layer of a site, with its numbers.
 *
 * @param facts  sizes of the site's inputs, the tensors from which its numbers are computed, and its rotary tables
 * @param window  number of tokens that the site's masks let a token see
 * @throws RangeError when a number is missing or heads do not fit the tensors
 */
export function modelLayer(
  site: AttentionSite,
  { shapes, numbers: found, tables }: Pick<GraphFacts, 'shapes' | 'numbers' | 'tables'>,
  window: number | undefined,
): ModelLayer {
  const { heads, kvHeads, d, dv } = headsOf(site, shapes)
  if (!(heads >= 1 && kvHeads >= 1 && heads % kvHeads === 0))
    throw notSupported(site.title, `${heads} query heads over ${kvHeads} key heads`)
  const number = ({ tensor, divides }: Factor) => {
    const { data } = floatsAt(found, tensor)
    if (data.length !== 1 || !(data[0] > 0))
      throw notSupported(site.title, `a factor that is no number above 0: ${tensor}`)
    return divides ? 1 / data[0] : data[0]
  }
  const scale = site.scale
    ? site.scale.factors.reduce((product, factor) => product * number(factor), site.scale.number)
    : 1 / Math.sqrt(d)
  const softcap = typeof site.softcap === 'object' ? number(site.softcap) : site.softcap
  const windows = [site.window, window].filter((own) => own !== undefined)
  const shape: Shape = {
    d,
    dv,
    scale,
    ...(softcap !== undefined && { softcap }),
    ...(windows.length > 0 && { window: Math.min(...windows) }),
  }
  const sinks = site.sinks === undefined ? undefined : floatsAt(found, site.sinks).data.slice()
  if (sinks && sinks.length !== heads) throw notSupported(site.title, `${sinks.length} sinks for ${heads} heads`)
  const rotary = site.rotary && tablesOf(site, tables, d)
  return { site, heads, kvHeads, groups: heads / kvHeads, shape, ...(sinks && { sinks }), ...(rotary && { rotary }) }
}

/** The shape of one key head's stream, with the sinks of its query heads. */
export function shapeOf({ shape, sinks, groups }: ModelLayer, head: number): Shape {
  if (!sinks) return shape
  return { ...shape, sinkLogit: Array.from(sinks.subarray(head * groups, (head + 1) * groups)) }
}

function headsOf(
  { title, inputs, layout, isPacked, none, heads = 0, kvHeads = 0 }: AttentionSite,
  shapes: GraphFacts['shapes'],
) {
  const [q, k, v] = inputs.map((name) => shapes.get(name)!.map(Number))
  if (layout === 'heads') {
    if (![q, k, v].every((dims) => dims.length === 4 && !(dims[0] > 1)))
      throw notSupported(title, `queries of ${q.length} dimensions, where batch, heads, tokens and width are expected`)
    return { heads: q[1], kvHeads: k[1], d: q[3], dv: v[3] }
  }
  if (q.length !== 3 || !(heads > 0 && kvHeads > 0)) throw notSupported(title, 'rows whose heads are not told')
  if (isPacked) return { heads, kvHeads, d: q[2] / (heads + 2 * kvHeads), dv: q[2] / (heads + 2 * kvHeads) }
  if (none) return { heads, kvHeads, d: q[2] / heads, dv: q[2] / heads }
  return { heads, kvHeads, d: q[2] / heads, dv: v[2] / kvHeads }
}

function tablesOf({ title, rotary }: AttentionSite, tables: GraphFacts['tables'], d: number): RotaryTables {
  const [cos, sin] = [tables.get(rotary!.cos)!, tables.get(rotary!.sin)!]
  if (cos.dims.length !== 2 || sin.dims.join() !== cos.dims.join() || 2 * cos.dims[1] > d)
    throw notSupported(title, `rotary tables of [${cos.dims.join(', ')}] and [${sin.dims.join(', ')}] for d = ${d}`)
  return rotaryTables(cos, sin, rotary!.isInterleaved)
}

function floatsAt(
  found: ReadonlyMap<string, Tensor>,
  name: string,
): { readonly data: Float32Array; readonly dims: readonly number[] } {
  const tensor = found.get(name)!
  return { data: floatsOf(tensor), dims: tensor.dims }
}
