import { decodeSnapshot, encodeSnapshot } from '@sublinear/core'

/** A snapshot with other parameters; what is undefined is not there. */
export function altered(bytes: Uint8Array, change: Readonly<Record<string, string | undefined>>): Uint8Array {
  const { kind, version, parameters, tensors } = decodeSnapshot(bytes)
  const all = Object.entries({ ...parameters, ...change }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  return encodeSnapshot({ kind, version, parameters: Object.fromEntries(all), tensors: Object.fromEntries(tensors) })
}
