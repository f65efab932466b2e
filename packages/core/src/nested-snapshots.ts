import type { Tensor } from './safetensors'
import { decodeSnapshot, encodeSnapshot, type Snapshot, type State } from './snapshot'

/** Tensors and parameters that a stream adds to the snapshot of another stream. */
export interface Saved {
  readonly parameters: Record<string, string>
  readonly tensors: Record<string, Tensor>
}

/** Puts a snapshot within another: its tensors as `name/tensor`; its kind, version and parameters as one parameter of JSON. */
export function nestedIn(name: string, bytes: Uint8Array): Saved {
  const { kind, version, parameters, tensors } = decodeSnapshot(bytes)
  return {
    parameters: { [name]: JSON.stringify({ kind, version, parameters }) },
    tensors: Object.fromEntries([...tensors].map(([tensor, data]) => [`${name}/${tensor}`, data])),
  }
}

/** Several snapshots within another, by name. */
export function nestedAll(snapshots: Readonly<Record<string, Uint8Array>>): Saved {
  const all = Object.entries(snapshots).map(([name, bytes]) => nestedIn(name, bytes))
  return {
    parameters: Object.assign({}, ...all.map(({ parameters }) => parameters)) as Saved['parameters'],
    tensors: Object.assign({}, ...all.map(({ tensors }) => tensors)) as Saved['tensors'],
  }
}

/** Puts tensors under a name of their own: `name/tensor`. */
export function tensorsUnder<T>(name: string, tensors: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(tensors).map(([tensor, data]) => [`${name}/${tensor}`, data]))
}

/** A snapshot with the tensors that tensorsUnder put under a name, by their own names again; everything else stays as it is. */
export function snapshotUnder<S extends State>(name: string, snapshot: S): S {
  const own = [...snapshot.tensors].filter(([tensor]) => tensor.startsWith(`${name}/`))
  return { ...snapshot, tensors: new Map(own.map(([tensor, data]) => [tensor.slice(name.length + 1), data])) }
}

/**
 * The bytes of the snapshot that nestedIn put under a name.
 *
 * @throws RangeError when there is none, or the parameter that describes it is malformed
 */
export function nestedSnapshot({ kind: outer, parameters, tensors }: Snapshot, name: string): Uint8Array {
  const { kind, version, parameters: own } = described(outer, parameters[name])
  const mine = snapshotUnder(name, { kind, version, parameters: own, tensors })
  return encodeSnapshot({ ...mine, tensors: Object.fromEntries(mine.tensors) })
}

function described(kind: string, json: string | undefined): Omit<Snapshot, 'tensors'> {
  let found: unknown
  try {
    found = JSON.parse(json ?? '')
  } catch {
    found = undefined
  }
  const one = found as Partial<Omit<Snapshot, 'tensors'>> | null | undefined
  const own = one?.parameters
  if (
    !isText(one?.kind) ||
    !isText(one.version) ||
    typeof own !== 'object' ||
    !own ||
    !Object.values(own).every(isText)
  )
    throw new RangeError(`${kind}: a part of the snapshot is not described`)
  return { kind: one.kind, version: one.version, parameters: own }
}

function isText(x: unknown): x is string {
  return typeof x === 'string'
}
