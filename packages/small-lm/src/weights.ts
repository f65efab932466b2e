import { checkEntries, type Tensor } from '@sublinear/core'
import { kernels, type Resident } from '@sublinear/kernels'
import type { ModelConfig } from './config'

/** Layer norm: y = (x − mean)/√(variance + ε) ∘ weight + bias. */
export interface Norm {
  readonly weight: Float32Array // width
  readonly bias: Float32Array // width
}

/** Weights of a layer. Linear maps are transposed, inputs × outputs, so that x·W is the plain form of the product kernel. */
export interface Layer {
  readonly attentionNorm: Norm
  /** Weights of all queries, then all keys, then all values, head after head. */
  readonly qkv: Resident<Float32Array> // width × 3·heads·d
  readonly project: Resident<Float32Array> // heads·d × width
  readonly hiddenNorm: Norm
  readonly up: Resident<Float32Array> // width × hidden
  readonly down: Resident<Float32Array> // hidden × width
}

export interface Weights {
  /** Vector that a token adds at its own position. */
  readonly embedding: Float32Array // vocabulary × width
  /** Vector that a token adds at the next position: its embedding through the map `prev`. */
  readonly shifted: Float32Array // vocabulary × width
  readonly layers: readonly Layer[]
  readonly lastNorm: Norm
  readonly unembedding: Resident<Float32Array> // width × vocabulary
}

/**
 * Makes the weights of a model from the tensors of its file, whose linear maps are outputs × inputs.
 *
 * @throws TypeError, RangeError when a tensor is missing, too many, of another shape or type, or not finite; before anything is kept
 */
export function weightsOf(who: string, tensors: ReadonlyMap<string, Tensor>, config: ModelConfig): Weights {
  const { layers, heads, d, width, hidden, vocabulary } = config
  const shapes = shapesOf(config)
  for (const name of tensors.keys())
    if (!shapes.has(name)) throw new RangeError(`${who}: the tensor ${name} is not of this model`)
  for (const [name, shape] of shapes) checkTensor(who, name, tensors.get(name), shape)

  const data = (name: string) => tensors.get(name)!.data as Float32Array
  const norm = (name: string): Norm => ({ weight: data(`${name}.weight`), bias: data(`${name}.bias`) })
  const map = (name: string, outputs: number, inputs: number) =>
    resident(transposed(data(`${name}.weight`), outputs, inputs))
  const embedding = data('emb.weight')
  const shifted = new Float32Array(vocabulary * width)
  kernels().product('nt', shifted, embedding, data('prev.weight'), vocabulary, width, width)
  return {
    embedding,
    shifted,
    layers: Array.from({ length: layers }, (_, l) => ({
      attentionNorm: norm(`blocks.${l}.ln1`),
      qkv: map(`blocks.${l}.qkv`, 3 * heads * d, width),
      project: map(`blocks.${l}.proj`, width, heads * d),
      hiddenNorm: norm(`blocks.${l}.ln2`),
      up: map(`blocks.${l}.up`, hidden, width),
      down: map(`blocks.${l}.down`, width, hidden),
    })),
    lastNorm: norm('lnf'),
    unembedding: map('emb', vocabulary, width),
  }
}

/** Every tensor that the file must have, with its shape. */
function shapesOf({ layers, heads, d, width, hidden, vocabulary }: ModelConfig): Map<string, readonly number[]> {
  const norm = (name: string) => [`${name}.weight`, `${name}.bias`].map((part) => [part, [width]] as const)
  return new Map<string, readonly number[]>([
    ['emb.weight', [vocabulary, width]],
    ['prev.weight', [width, width]],
    ...norm('lnf'),
    ...Array.from({ length: layers }, (_, l) => [
      ...norm(`blocks.${l}.ln1`),
      ...norm(`blocks.${l}.ln2`),
      [`blocks.${l}.qkv.weight`, [3 * heads * d, width]] as const,
      [`blocks.${l}.proj.weight`, [width, heads * d]] as const,
      [`blocks.${l}.up.weight`, [hidden, width]] as const,
      [`blocks.${l}.down.weight`, [width, hidden]] as const,
    ]).flat(),
  ])
}

function checkTensor(who: string, name: string, tensor: Tensor | undefined, shape: readonly number[]): void {
  if (!tensor) throw new RangeError(`${who}: the file lacks the tensor ${name}`)
  if (!(tensor.data instanceof Float32Array))
    throw new TypeError(`${who}: ${name} must be F32, F16 or BF16, got ${tensor.dtype}`)
  if (tensor.shape.join() !== shape.join())
    throw new RangeError(`${who}: ${name} must have the shape [${shape.join(', ')}], got [${tensor.shape.join(', ')}]`)
  checkEntries(who, name, tensor.data, shape.at(-1)!)
}

function transposed(data: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(data.length)
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) out[c * rows + r] = data[r * cols + c]
  return out
}

function resident(data: Float32Array): Resident<Float32Array> {
  const array = kernels().floats(data.length)
  array.write(data)
  return array
}
