import type { Tensor } from 'onnxruntime-common'
import type { OpenLayer } from './open-segments'
import type { Ort } from './ort'
import type { OpenModel } from './reader'

/** The most arrays of answers that are kept. */
const MOST_KEPT = 8

/**
 * Makes tensors for the answers of layers. Answers that only the next segment reads lie in one array for all layers of a shape, one after another: an array for each
 * block and layer would wait for the garbage collector outside of its heap, and it lets tens of megabytes gather there.
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

/** Names of the answers that no session reads but the next segment's: no later one, no attention, and not the last linear map. */
export function passingAnswers({ segments, layers: all, headCut }: OpenModel): ReadonlySet<string> {
  const passing = new Set<string>()
  const attended = new Set(all.flatMap(({ tensors }) => tensors))
  for (const [i, { layers }] of segments.entries()) {
    const later = new Set(segments.slice(i + 2).flatMap(({ reads }) => reads.map(({ tensor }) => tensor)))
    for (const { site } of layers)
      if (
        !later.has(site.output) &&
        !attended.has(site.output) &&
        site.output !== headCut.hidden &&
        site.output !== headCut.logits
      )
        passing.add(site.output)
  }
  return passing
}
