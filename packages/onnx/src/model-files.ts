import { checkObject } from '@sublinear/core'
/** The files of a model: its graph and the data files beside it, read in parts. Names are relative and contain no `..`. */
export interface ModelFiles {
  /** Name of the graph's own file. */
  readonly model: string
  /** The size of a file in bytes; undefined where there is none. */
  size(file: string): number | undefined
  /** Bytes from … to − 1 of a file. */
  read(file: string, from: number, to: number): Uint8Array
  /** Time at which a file was changed last, in milliseconds. Absent: nobody knows. */
  changed?(file: string): number | undefined
  /** Folder in which onnxruntime itself finds the files (Node). Absent: they are given to it as arrays. */
  readonly folder?: string | undefined
  /** All files as arrays, where there is no folder. */
  readonly arrays?: ReadonlyMap<string, Uint8Array> | undefined
}

/**
 * Makes the files of a model from arrays in memory, such as a page has fetched.
 *
 * Cost: nothing is copied; onnxruntime reads the weights from these arrays.
 *
 * @param model  the bytes of the graph's file, or files by name, the graph's first
 * @throws TypeError when a file is no Uint8Array
 */
export function filesInMemory(model: Uint8Array | Readonly<Record<string, Uint8Array>>): ModelFiles {
  checkObject('filesInMemory', model, 'model')
  const given = Object.entries(model instanceof Uint8Array ? { 'model.onnx': model } : model)
  const arrays = new Map<string, Uint8Array>()
  for (const [file, bytes] of given) {
    if (!(bytes instanceof Uint8Array)) throw new TypeError(`filesInMemory: ${file} must be a Uint8Array`)
    arrays.set(file, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)) // not a Buffer, whose slice does not copy
  }
  const [first] = arrays.keys()
  if (first === undefined) throw new TypeError('filesInMemory: model must have at least one file, got none')
  return {
    model: first,
    arrays,
    size: (file) => arrays.get(file)?.length,
    read: (file, from, to) => arrays.get(file)!.subarray(from, to),
  }
}

/** Refuses names of data files that would lead out of the model's folder. */
export function checkLocation(who: string, location: string): void {
  const isOutside = location === '' || /^([/\\]|[a-z]:)/i.test(location) || location.split(/[/\\]/).includes('..')
  if (isOutside || location.includes('\0'))
    throw new RangeError(`${who}: data must lie beside the model, got the file name ${JSON.stringify(location)}`)
}
