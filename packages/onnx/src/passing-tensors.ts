import type { Tensor } from 'onnxruntime-common'
import type { OpenLayer } from './open-segments'
import type { Ort } from './ort'
import type { OpenModel } from './reader'

/** The most arrays of answers that are kept. */
const MOST_KEPT = 8

/**
 * Names of the tensors that nobody reads but the layers of their own segment, and the next segment's session. Each may lie where the tensor of another segment lay.
 *
 * @returns the names for each segment: of what its session makes, and of the answers of its layers
 */
export function passingTensors({ segments, headCut }: OpenModel): readonly ReadonlySet<string>[] {
  return segments.map(({ makes, layers }, i) => {
    const later = new Set([headCut.logits, ...(headCut.hidden === undefined ? [] : [headCut.hidden])])
    for (const [j, { reads, layers: behind }] of segments.entries()) {
      if (j > i + 1) for (const { tensor } of reads) later.add(tensor)
      if (j > i) for (const { tensors } of behind) for (const tensor of tensors) later.add(tensor)
    }
    const own = [...makes.map(({ tensor }) => tensor), ...layers.map(({ site }) => site.output)]
    return new Set(own.filter((name) => !later.has(name)))
  })
}

/**
 * Makes tensors for the answers of layers. Those with a key lie in one array for all layers of a shape, one after another: an array for each block and layer would
 * wait for the garbage collector outside of its heap, and it lets tens of megabytes gather there.
 *
 * @returns a tensor of a layer's answers; with a key, the one of the last call with the same key and sizes
 */
export function answerTensors({ Tensor: Made }: Ort): (layer: OpenLayer, rows: number, key?: string) => Tensor {
  const kept = new Map<string, Tensor>()
  return ({ site, heads, shape: { dv } }, rows, key) => {
    const dims = site.outputLayout === 'heads' ? [1, heads, rows, dv] : [1, rows, heads * dv]
    const make = () => new Made('float32', new Float32Array(rows * heads * dv), dims)
    if (key === undefined) return make()
    const name = `${key} ${dims.join()}`
    const found = kept.get(name) ?? make()
    if (kept.size >= MOST_KEPT) kept.clear()
    kept.set(name, found)
    return found
  }
}
