import { fromHalf } from '@sublinear/core'
import type { InferenceSession, Tensor } from 'onnxruntime-common'
import { BOOL, FLOAT, FLOAT16, INT32, INT64, type OnnxModelFile } from './graph'
import type { ModelFiles } from './model-files'
import { writeModel, type Part } from './write-model'

/** The part of onnxruntime that is used: `onnxruntime-node`, `onnxruntime-web` and `onnxruntime-common` have it. */
export type Ort = Pick<typeof import('onnxruntime-common'), 'InferenceSession' | 'Tensor'> & {
  /** Versions of the runtime. Without them no proof of a check can be kept. */
  readonly env?: { readonly versions?: Readonly<Record<string, string | undefined>> | undefined } | undefined
}

/** Options with which a model's sessions are made. */
export interface Runtime {
  readonly ort: Ort
  readonly files: ModelFiles
  readonly model: OnnxModelFile
  readonly session: InferenceSession.SessionOptions
}

/**
 * Makes a session of a part. onnxruntime itself reads the weights from the model's files. It gets no arena: with one for each of many sessions, memory would grow;
 * without, a model of 115 MB opens in 160 ms instead of 400, and runs as fast.
 */
export function sessionOf(
  { ort, files, model, session }: Runtime,
  part: Part,
  extra: Readonly<Record<string, string>> = {},
): Promise<InferenceSession> {
  const own = { ...(session.extra as { session?: object | undefined } | undefined)?.session, ...extra }
  const weights =
    files.folder === undefined ? { externalData: [...files.arrays!].map(([path, data]) => ({ path, data })) } : {}
  const folder = files.folder === undefined ? {} : { model_external_initializers_file_folder_path: files.folder }
  const all = {
    enableCpuMemArena: false,
    ...session,
    ...weights,
    extra: { ...session.extra, session: { ...own, ...folder } },
  }
  return ort.InferenceSession.create(writeModel(files, model, part), all)
}

/** Options for a session that runs once or twice: weights stay pages of their files, nothing is packed or fused. */
export const ONCE = { disable_prepacking: '1' }

const NAMES: Readonly<Record<string, number>> = {
  float32: FLOAT,
  int32: INT32,
  int64: INT64,
  bool: BOOL,
  float16: FLOAT16,
}
/** The number that ONNX gives an element type of onnxruntime; 0 for a type that no cut passes on. */
export const typeNumber = (name: string): number => NAMES[name] ?? 0

/** Values of a tensor as float32: its own array where that is float32. */
export function floatsOf({ type, data }: Tensor): Float32Array {
  if (type === 'float32') return data as Float32Array
  if (type === 'float16') {
    const { buffer, byteOffset, length } = data as Uint16Array // or Float16Array: the same bits
    return fromHalf(new Uint16Array(buffer as ArrayBuffer, byteOffset, length))
  }
  if (type === 'float64' || type === 'int32') return Float32Array.from(data as Int32Array)
  if (type === 'int64') return Float32Array.from(data as BigInt64Array, Number)
  if (type === 'bool') return Float32Array.from(data as Uint8Array)
  throw new RangeError(`onnx: a tensor of type ${type} is not supported`)
}
