import { crc32 } from './crc32'
import { fault } from './header-json'
import type { HeldTensor } from './held-tensor'
import { encodeInOrder, headerOf, tensorsOf, type Tensor } from './safetensors'
import { latin1 } from './utf8'

export interface Snapshot {
  readonly kind: string
  readonly version: string
  readonly parameters: Record<string, string>
  readonly tensors: Map<string, Tensor>
}

/** The state that a stream goes on from: a snapshot, or the state of a live stream, which was never in bytes. */
export interface State extends Omit<Snapshot, 'tensors'> {
  /** Whether the state was never in bytes: its entries then need no check. */
  readonly isSound?: boolean | undefined
  /** The inside of the stream whose state it is, while the stream is forked: what is large is copied from there. */
  readonly live?: unknown
  readonly tensors: ReadonlyMap<string, Tensor | HeldTensor>
}

/**
 * Encodes a state as .safetensors bytes: kind, version and parameters as metadata, and a CRC-32 over all other bytes.
 *
 * @param snapshot  kind, version, parameters, and tensors by name
 * @throws TypeError, RangeError as encodeTensors does, or when a parameter is called kind, version or crc32
 */
export function encodeSnapshot(
  snapshot: Omit<Snapshot, 'tensors'> & { tensors: Record<string, Tensor | HeldTensor> },
): Uint8Array {
  const { kind, version, parameters, tensors } = snapshot
  for (const name of ['crc32', 'kind', 'version']) {
    if (Object.hasOwn(parameters, name)) throw new RangeError(`encodeSnapshot: no parameter can be called ${name}`)
  }
  const named = Object.entries(parameters)
  const bytes = encodeInOrder(tensors, [['crc32', ZEROS], ['kind', kind], ['version', version], ...named])
  bytes.set(ascii(hex(crc32(bytes))), SEAL)
  return bytes
}

/**
 * Decodes a snapshot.
 *
 * Guarantee: bytes that differ from a snapshot in one byte, or in up to 32 neighbouring bits, are refused.
 *
 * @param expected  the kind and version that it must have. Default: any
 * @throws RangeError when the bytes are damaged or are no snapshot, or when kind or version is another than expected
 */
export function decodeSnapshot(
  bytes: Uint8Array,
  expected: { kind?: string | undefined; version?: string | undefined } = {},
): Snapshot {
  const header = headerOf(bytes) // a truncated file must be reported as truncated, not as a wrong CRC
  const opening = latin1(bytes.subarray(8, SEAL))
  if (opening !== OPENING) throw fault('snapshot', 8, OPENING, JSON.stringify(opening))
  const found = latin1(bytes.subarray(SEAL, SEAL + 8))
  const rest = crc32(bytes.subarray(SEAL + 8), crc32(ascii(ZEROS), crc32(bytes.subarray(0, SEAL))))
  if (found !== hex(rest)) throw fault('crc32', SEAL, `${hex(rest)} for these bytes (damaged?)`, JSON.stringify(found))
  const { tensors, metadata, skipped } = tensorsOf(bytes, header)
  if (skipped.size > 0) throw fault('snapshot', 8, 'tensors of types that are read', [...skipped.keys()].join(', '))
  const { crc32: _, kind, version, ...parameters } = metadata
  if (kind === undefined || version === undefined) throw fault('snapshot', 8, 'kind and version', 'neither or one')
  for (const [name, found] of [
    ['kind', kind],
    ['version', version],
  ] as const) {
    const want = expected[name]
    if (want !== undefined && found !== want) throw fault(name, 8, JSON.stringify(want), JSON.stringify(found))
  }
  return { kind, version, parameters, tensors }
}

const OPENING = '{"__metadata__":{"crc32":"'
const SEAL = 8 + OPENING.length // where the eight digits of the CRC lie
const ZEROS = '00000000'

const hex = (crc: number) => crc.toString(16).padStart(8, '0')
const ascii = (digits: string) => Uint8Array.from(digits, (c) => c.charCodeAt(0))
