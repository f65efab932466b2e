import { crc32 } from '@sublinear/core'
import { version } from '../package.json'
import type { OnnxModelFile, OnnxTensor } from './graph'
import type { ModelFiles } from './model-files'
import type { Runtime } from './ort'

/** Bytes that are read from the middle of each weight; smaller weights are read whole. */
const SAMPLE = 64
/** Options of sessions on which answers do not depend. */
const WITHOUT = new Set([
  'intraOpNumThreads',
  'interOpNumThreads',
  'logId',
  'logSeverityLevel',
  'logVerbosityLevel',
  'enableProfiling',
  'profileFilePrefix',
])

/**
 * Names everything on which the check of a model depends, as one line: this package's version and the runtime's, the machine's kind, the options of sessions, the graph
 * by its CRC-32, and of each data file its size, the time of its last change, and some bytes of each weight in it.
 *
 * Cost: 64 bytes are read from each weight.
 *
 * @returns undefined where the runtime does not tell its version, or the options are no JSON: such an opening cannot be known again
 */
export function openingStamp({ ort, files, model, session }: Runtime, memory: string): string | undefined {
  const versions = ort.env?.versions
  if (!versions) return undefined
  const { process, navigator } = globalThis as Machine
  const tensors = [...model.graph.tensors.values()]
  const names = new Set([files.model, ...tensors.flatMap(({ place }) => place?.file ?? [])])
  try {
    return JSON.stringify({
      package: version,
      onnxruntime: versions,
      machine: [process?.platform, process?.arch, navigator?.userAgent].join(' ').trim(),
      memory,
      options: JSON.parse(JSON.stringify(session, plain)) as unknown,
      graph: graphSum(model),
      files: [...names].map((name) => [name, files.size(name), files.changed?.(name)]),
      weights: tensors.reduce((sum, tensor) => crc32(sampleOf(files, tensor), sum), 0),
    })
  } catch (error) {
    if (error instanceof TypeError) return undefined // circles and BigInts
    throw error
  }
}

/** The globals of Node and of pages that tell the kind of machine. */
interface Machine {
  readonly process?: { readonly platform?: string | undefined; readonly arch?: string | undefined } | undefined
  readonly navigator?: { readonly userAgent?: string | undefined } | undefined
}

/** Leaves out options on which answers do not depend, and puts the size of bytes in their place. */
function plain(name: string, value: unknown): unknown {
  if (WITHOUT.has(name)) return undefined
  return ArrayBuffer.isView(value) ? `${value.byteLength} bytes` : value
}

/** CRC-32 of everything in the model's file that is no value of a weight. */
function graphSum({ header, graph: { nodes, tensors, inputs, outputs } }: OnnxModelFile): number {
  let sum = crc32(new TextEncoder().encode(JSON.stringify([nodes.length, inputs, outputs])), crc32(header))
  for (const { bytes } of nodes) sum = crc32(bytes, sum)
  for (const { bytes, ...own } of tensors.values())
    sum = crc32(bytes ?? new TextEncoder().encode(JSON.stringify(own)), sum) // without bytes: name, sizes and place
  return sum
}

function sampleOf(files: ModelFiles, { place, from, to }: OnnxTensor): Uint8Array {
  const own = place ?? { file: files.model, from, to }
  const end = Number.isNaN(own.to) ? Math.min(files.size(own.file)!, own.from + SAMPLE) : own.to
  const skipped = Math.max(0, Math.floor((end - own.from - SAMPLE) / 2))
  return files.read(own.file, own.from + skipped, Math.min(end, own.from + skipped + SAMPLE))
}
