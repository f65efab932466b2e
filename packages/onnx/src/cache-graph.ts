import { checkObject } from '@sublinear/core'
import type { InferenceSession } from 'onnxruntime-common'
import { evaluator } from './evaluate'
import { foundAttention } from './found-attention'
import { maskRules } from './mask-rule'
import type { ModelFiles } from './model-files'
import type { Ort } from './ort'
import { notSupported } from './refuse'
import { subGraph } from './sub-graph'
import { heldTable, rotaryTables, type NumberTable, type RotaryTables } from './rotary-tables'

/** A cache entry of a graph: the keys or the values of one layer, or of several that share them. */
export interface CacheEntry {
  readonly layer: number
  readonly isKey: boolean
  /** Tables by which the graph turns keys that it appends, by their place in the cache. Absent: keys come turned by their place in the text. */
  readonly rotary?: RotaryTables | undefined
  /** Number of tokens that the layer sees. */
  readonly window?: number | undefined
}

/** The use that a graph makes of its cache. */
export interface CacheGraph {
  /** Entries of the cache by the name of the graph's input. */
  readonly entries: ReadonlyMap<string, CacheEntry>
  /** Whether the places of tokens are an input (position_ids), and so are places in the text. */
  readonly takesPlaces: boolean
  /** Whether several tokens may come at once behind a cache that is shorter than the text; false where masks by place would show later tokens. */
  readonly inBlocks: boolean
}

export interface CacheGraphOptions {
  /** The bytes of a graph, or its files; weights are not read. */
  readonly model: Uint8Array | ModelFiles
  /** The onnxruntime that runs parts of the graph. */
  readonly ort: Ort
  /** Options of its sessions. */
  readonly session?: InferenceSession.SessionOptions | undefined
}

/**
 * Reads what a decoder's graph does with its cache, for `boundedCache`.
 *
 * @throws RangeError that names what a shortened cache would make wrong: places that the graph counts by the length of the cache and turns elsewhere, or
 *   windows that a mask gives by place; as onnxModel does, for attention that is not known
 */
export async function cacheGraph(options: CacheGraphOptions): Promise<CacheGraph> {
  const { model, ort, session = {} } = checkObject('cacheGraph', options)
  const { runtime, graph, sites, caches } = foundAttention('cacheGraph', model, ort, session)
  const rules = await maskRules(runtime, graph, sites, caches)
  const takesPlaces = graph.inputs.some(({ name }) => name === 'position_ids')
  const byCache = sites.filter(({ rotary }) => rotary)
  if (byCache.length === 0 && !takesPlaces)
    throw notSupported('a shorter cache', 'the graph counts places by the length of its cache, and has no position_ids')
  const told = sites.find((site) => !site.rotary && rules.get(site) !== undefined)
  if (told) throw notSupported(`a shorter cache for ${told.title}`, 'its mask tells a window by places in the cache')

  const tables = new Map<string, NumberTable>()
  const names = [...new Set(byCache.flatMap(({ rotary }) => [rotary!.cos, rotary!.sin]))]
  if (names.length > 0) {
    const { evaluate, release } = await evaluator(runtime, graph, names, new Set())
    for (const [name, tensor] of await evaluate({ ids: [0], before: 0, previous: -1 }, names))
      tables.set(name, heldTable(tensor))
    await release()
  }
  const entries = new Map<string, CacheEntry>()
  for (const [layer, { past, rotary, window }] of sites.entries())
    for (const [i, name] of past.entries())
      entries.set(name, {
        layer,
        isKey: i === 0,
        ...(window !== undefined && { window }),
        ...(rotary && {
          rotary: rotaryTables(tables.get(rotary.cos)!, tables.get(rotary.sin)!, rotary.isInterleaved),
        }),
      })
  const masks = sites.flatMap((site) => site.masks.map(({ tensor }) => tensor))
  const read = masks.length === 0 ? [] : subGraph(graph, [...new Set(masks)]).part.inputs
  return { entries, takesPlaces, inBlocks: read.every(({ name }) => name !== 'position_ids') }
}
