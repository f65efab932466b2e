import type { InferenceSession, Tensor } from 'onnxruntime-common'
import { floatPorts } from './float-ports'
import { FLOAT, FLOAT16, type OnnxValue } from './graph'
import type { OrderedGraph } from './graph-order'
import { ONCE, sessionOf, typeNumber, type Runtime } from './ort'
import { subGraph } from './sub-graph'
import { isTokenInput, tokenInputs, type Step } from './token-inputs'

/** A part of a graph that computes some of its tensors. */
export interface Evaluator {
  /**
   * Evaluates tensors for tokens that come after a past of zeros: tensors that do not depend on the contents of the past, or any tensors where nothing is past.
   */
  evaluate(step: Step, wanted: readonly string[]): Promise<ReadonlyMap<string, Tensor>>
  /** ONNX's element types of all its tensors. */
  readonly types: ReadonlyMap<string, number>
  /** Sizes of all its tensors, as far as the runtime infers them: names stand for sizes that inputs give. */
  readonly shapes: ReadonlyMap<string, readonly (number | string)[]>
  release(): Promise<void>
}

/**
 * Opens the part of a graph that computes some of its tensors. It is made to run once: nothing is packed, fused or folded, unless `isPacked`.
 *
 * @param past  names of inputs that are keys or values of the past, [1, heads, tokens, d]
 * @param isPacked  whether it is opened as segments are, so that its linear maps round as theirs
 * @throws RangeError when the part needs an input that is neither made from tokens nor a past
 */
export async function evaluator(
  runtime: Runtime,
  graph: OrderedGraph,
  wanted: readonly string[],
  past: ReadonlySet<string>,
  isPacked = false,
): Promise<Evaluator> {
  const { part: own, nameOf } = subGraph(graph, wanted)
  const held = own.inputs.filter(({ name }) => past.has(name))
  const asked = own.inputs.filter(({ name }) => !past.has(name))
  const other = asked.find(({ name }) => !isTokenInput(name))
  if (other) throw new RangeError(`onnx: the input ${other.name} is none that a decoder of text has`)
  const { part, ports } = floatPorts(own)
  const plain = { ...runtime, session: { ...runtime.session, graphOptimizationLevel: 'disabled' as const } }
  const session = isPacked ? await sessionOf(runtime, part) : await sessionOf(plain, part, ONCE)
  const found = new Map(session.outputMetadata.map((value) => [value.name, value]))
  const about = <T>(tell: (value: InferenceSession.TensorValueMetadata) => T, otherwise: T) =>
    new Map(
      wanted.map((name) => {
        const value = found.get(nameOf(name))!
        return [name, value.isTensor ? tell(value) : otherwise]
      }),
    )
  return {
    types: about(({ type }) => typeNumber(type), 0),
    shapes: about<readonly (number | string)[]>(({ shape }) => shape, []),
    async evaluate(step, names) {
      const feeds = tokenInputs(runtime.ort, asked, step)
      for (const value of held) feeds[ports.get(value.name)!] = zeros(runtime, value, step.before)
      const out = await session.run(feeds, [...new Set(names.map(nameOf))])
      return new Map(names.map((name) => [name, out[nameOf(name)] as Tensor]))
    },
    release: () => session.release(),
  }
}

/** Makes a past of zeros. */
function zeros({ ort }: Runtime, { name, type, dims }: OnnxValue, tokens: number): Tensor {
  const [, heads, , d] = dims ?? []
  if (dims?.length !== 4 || typeof heads !== 'number' || typeof d !== 'number')
    throw new RangeError(`onnx: the input ${name} must say its heads and their width: [batch, heads, tokens, width]`)
  if (type !== FLOAT && type !== FLOAT16)
    throw new RangeError(`onnx: the input ${name} is a quantised cache, which is not supported`)
  return new ort.Tensor('float32', new Float32Array(heads * tokens * d), [1, heads, tokens, d])
}
