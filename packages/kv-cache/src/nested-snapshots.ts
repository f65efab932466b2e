import { decodeSnapshot, encodeSnapshot, type Snapshot, type Tensor } from '@sublinear/core'

/** A snapshot within another: its tensors as `name/tensor`, kind, version and parameters as one JSON parameter. */
export function nestedIn(
  name: string,
  bytes: Uint8Array,
): { readonly parameters: Record<string, string>; readonly tensors: Record<string, Tensor> } {
  const { kind, version, parameters, tensors } = decodeSnapshot(bytes)
  return {
    parameters: { [name]: JSON.stringify({ kind, version, parameters }) },
    tensors: Object.fromEntries([...tensors].map(([tensor, data]) => [`${name}/${tensor}`, data])),
  }
}

/**
 * The bytes of the snapshot that nestedIn put there.
 *
 * @throws RangeError when there is none, or its description is no such JSON
 */
export function nestedSnapshot({ kind: outer, parameters, tensors }: Snapshot, name: string): Uint8Array {
  const { kind, version, parameters: own } = described(outer, parameters[name])
  const mine = [...tensors].filter(([tensor]) => tensor.startsWith(`${name}/`))
  return encodeSnapshot({
    kind,
    version,
    parameters: own,
    tensors: Object.fromEntries(mine.map(([tensor, data]) => [tensor.slice(name.length + 1), data])),
  })
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
