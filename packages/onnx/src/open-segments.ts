import type { InferenceSession } from 'onnxruntime-common'
import { floatPorts } from './float-ports'
import { INT64, type OnnxValue } from './graph'
import type { ModelLayer } from './model-layer'
import { sessionOf, type Runtime } from './ort'
import type { Cut, Segment } from './segments'
import { newNode } from './write-model'

/** A tensor of the graph, and its name in a session. */
export interface Port {
  readonly tensor: string
  readonly port: string
}

/** A segment that can be run. */
export interface OpenSegment {
  /** Absent where nothing lies between an attention and what reads it: another attention, or the last linear map. */
  readonly session?: InferenceSession | undefined
  readonly reads: readonly Port[]
  readonly makes: readonly Port[]
  readonly layers: readonly OpenLayer[]
}

export interface OpenLayer extends ModelLayer {
  /** Number of the layer, from 0 on, in the order of computation. */
  readonly index: number
  /** The layer whose keys and values it reads, where it has none of its own. */
  readonly reads?: number | undefined
  /** Names of the tensors with its queries, keys and values: one for all three, or one for each. */
  readonly tensors: readonly string[]
}

/**
 * Opens the sessions of a cut graph, one for each segment.
 *
 * @param layers  layers in the order of computation; types  element types of the graph's tensors
 * @throws Error of onnxruntime when a session cannot be made; those made before are released
 */
export async function openSegments(
  runtime: Runtime,
  { segments, inputs, shapes }: Cut,
  layers: readonly ModelLayer[],
  types: ReadonlyMap<string, number>,
  extra: Readonly<Record<string, string>>,
): Promise<OpenSegment[]> {
  const given = new Map<string, OnnxValue>(inputs.map((value) => [value.name, value]))
  for (const { tensor } of shapes) given.set(tensor, { name: tensor, type: INT64 })
  const valueOf = (name: string, like = name): OnnxValue => given.get(name) ?? { name, type: types.get(like) ?? 0 }
  const inSegments = segments.map((segment) =>
    layers
      .filter(({ site }) => segment.sites.includes(site))
      .map((layer) => ({ layer, ...joinedTensors(layer, segment) })),
  )
  const asked = new Set([
    ...segments.flatMap(({ reads }) => reads),
    ...inSegments.flat().flatMap(({ tensors }) => tensors),
  ])
  const open: OpenSegment[] = []
  try {
    for (const [i, segment] of segments.entries()) {
      const own = inSegments[i]
      const joined = new Set(own.flatMap(({ drops }) => drops))
      const outputs = [
        ...segment.makes.filter((name) => asked.has(name) || !joined.has(name)).map((name) => valueOf(name)),
        ...own.flatMap(({ adds, layer }) => adds.map((name) => valueOf(name, layer.site.inputs[0]))),
      ]
      const made = own.map(({ layer, tensors }) => openLayer(layer, layers, tensors))
      const nodes = [...segment.part.nodes, ...own.flatMap((layer) => layer.nodes)]
      if (nodes.length === 0) {
        open.push({ reads: [], makes: [], layers: made })
        continue
      }
      const { part, ports } = floatPorts({
        nodes,
        tensors: segment.part.tensors,
        inputs: segment.reads.map((name) => valueOf(name)),
        outputs,
      })
      const session = await sessionOf(runtime, part, extra)
      const portOf = (tensor: string): Port => ({ tensor, port: ports.get(tensor)! })
      open.push({
        session,
        reads: segment.reads.map(portOf),
        makes: outputs.map(({ name }) => portOf(name)),
        layers: made,
      })
    }
    return open
  } catch (error) {
    await Promise.all(open.map(({ session }) => session?.release()))
    throw error
  }
}

function openLayer(layer: ModelLayer, layers: readonly ModelLayer[], tensors: readonly string[]): OpenLayer {
  const { source } = layer.site
  const reads = source && layers.findIndex(({ site }) => site === source)
  return { ...layer, index: layers.indexOf(layer), tensors, ...(reads !== undefined && { reads }) }
}

/** Joins queries, keys and values to one output, since each output of a run costs time of its own. */
function joinedTensors({ site, shape: { d, dv } }: ModelLayer, { makes }: Segment) {
  const { inputs, layout, isPacked, none, output } = site
  if (isPacked || none) return { tensors: [inputs[0]], nodes: [], adds: [], drops: [] }
  const areMade = inputs.every((name) => makes.includes(name))
  if (!areMade || (layout === 'heads' && d !== dv)) return { tensors: inputs, nodes: [], adds: [], drops: [] }
  const name = `${output}/inputs`
  const node = newNode('Concat', { inputs, outputs: [name], ints: { axis: layout === 'rows' ? 2 : 1 } })
  return { tensors: [name], nodes: [node], adds: [name], drops: inputs }
}
