import { crc32, decodeSnapshot, encodeSnapshot, type Snapshot, type Tensor, type TensorData } from '@sublinear/core'
import type { Random } from './random.ts'

type Changing = { dtype: Tensor['dtype']; shape: number[]; data: TensorData }
interface Parts {
  kind: string
  version: string
  readonly parameters: Record<string, string>
  readonly tensors: Record<string, Changing>
}

const NUMBERS = [
  NaN,
  Infinity,
  -Infinity,
  -0,
  0,
  1,
  -1,
  3.4028234663852886e38,
  -3.4028234663852886e38,
  1e-45,
  1e308,
  -1e308,
  5e-324,
  2 ** 50,
  2 ** 64,
  2 ** 53,
  2 ** 53 - 1,
  -(2 ** 50),
  1e30,
  0.5,
  2 ** 127,
]
const WORDS = [
  '0',
  '1',
  '-1',
  '2',
  '3',
  '64',
  '65',
  '1000',
  '65536',
  '16777216',
  '268435456',
  '2147483647',
  '2147483648',
  '4294967296',
  '9007199254740990',
  '9007199254740991',
  '9007199254740992',
  '1e308',
  '-0',
  '0.5',
  '1.5',
  'NaN',
  'Infinity',
  '-Infinity',
  '',
  ' ',
  'null',
  'true',
  '0x10',
  '1e3',
  '12abc',
  '__proto__',
  'constructor',
  '[]',
  '{}',
  '18446744073709551615',
  '18446744073709551616',
  '-5',
  '1e-300',
  '5e-324',
  '1024',
  '1025',
  '\u0663',
  '\u0000',
  '{"kind":"quantised","keyBits":1,"valueBits":99,"seed":"0"}',
  '{"kind":"__proto__"}',
  '[1]',
  'toString',
]
const SEAL = 8 + '{"__metadata__":{"crc32":"'.length

/** Bytes with their checksum made right again: the checksum finds damage, and only the reader's checks can find forgery. */
export function sealed(bytes: Uint8Array): Uint8Array {
  if (bytes.length < SEAL + 8) return bytes
  bytes.fill(48, SEAL, SEAL + 8)
  const digits = crc32(bytes).toString(16).padStart(8, '0')
  for (let i = 0; i < 8; i++) bytes[SEAL + i] = digits.charCodeAt(i)
  return bytes
}

/** A snapshot with one change: bits, bytes, a cut, a parameter, a tensor. Most changed snapshots are sealed anew. */
export function mutated(random: Random, bytes: Uint8Array): Uint8Array {
  const sort = random.next()
  const copy = bytes.slice()
  if (sort < 0.2) copy[8 + random.below(copy.length - 8)] ^= 1 << random.below(8)
  else if (sort < 0.26) for (const _ of [1, 2]) copy[random.below(copy.length)] = random.below(256)
  else if (sort < 0.32) {
    const data = 8 + new DataView(copy.buffer).getUint32(0, true)
    if (data < copy.length) copy[data + random.below(copy.length - data)] = random.pick([0x7f, 0xff, 0x80, 0])
  } else if (sort < 0.35) return sealed(bytes.slice(0, random.below(bytes.length)))
  else if (sort < 0.37) {
    const longer = new Uint8Array(bytes.length + random.below(bytes.length))
    longer.set(bytes)
    longer.set(bytes.subarray(0, longer.length - bytes.length), bytes.length)
    return sealed(longer)
  } else if (sort < 0.39) return copy.map((byte, i) => (i === random.below(bytes.length) ? byte ^ 1 : byte)) // not sealed
  else
    try {
      return forged(random, decodeSnapshot(bytes))
    } catch {
      return sealed(bytes.slice(1)) // what was chosen is no snapshot
    }
  return sealed(copy)
}

function forged(random: Random, from: Snapshot): Uint8Array {
  const parts: Parts = {
    kind: from.kind,
    version: from.version,
    parameters: { ...from.parameters },
    tensors: Object.fromEntries(
      Array.from(from.tensors, ([name, { dtype, shape, data }]) => [
        name,
        { dtype, shape: [...shape], data: data.slice() },
      ]),
    ),
  }
  const times = 1 + Math.floor(random.next() * random.next() * 3)
  for (let i = 0; i < times; i++) change(random, parts)
  return encodeSnapshot(parts)
}

function change(random: Random, parts: Parts): void {
  const { parameters, tensors } = parts
  const [names, titles] = [Object.keys(parameters), Object.keys(tensors)]
  const sort = random.next()
  if (sort < 0.36 && names.length > 0) {
    const name = random.pick(names)
    parameters[name] = otherText(random, parameters[name])
  } else if (sort < 0.4 && names.length > 0) delete parameters[random.pick(names)]
  else if (sort < 0.43)
    parameters[random.pick(['x', 'constructor', 'part-9', 'octave5', 'capacity', 'phi', 'head'])] = random.pick(WORDS)
  else if (sort < 0.45) parts.version = random.pick(['', '0', '2', '1.0'])
  else if (sort < 0.48)
    parts.kind = random.pick(['exact', 'mean', 'tiers', 'auto', 'window', '__proto__', 'closure', 'feature'])
  else if (titles.length > 0) changeTensor(random, tensors, random.pick(titles), titles)
}

function changeTensor(
  random: Random,
  tensors: Record<string, Changing>,
  name: string,
  titles: readonly string[],
): void {
  const tensor = tensors[name]
  const { data, shape } = tensor
  const numbers = data as Float64Array
  const sort = random.next()
  if (tensor.dtype === 'U8' && sort < 0.7) {
    try {
      tensor.data = forged(random, decodeSnapshot(data as Uint8Array)) // a snapshot within a tensor
      tensor.shape = [tensor.data.length]
      return
    } catch {
      // the tensor is no snapshot
    }
  }
  if (sort < 0.5 && data.length > 0 && typeof data[0] === 'number')
    for (let i = random.below(3); i >= 0; i--) numbers[random.below(data.length)] = random.pick(NUMBERS)
  else if (sort < 0.55 && typeof data[0] === 'number') numbers.fill(random.pick(NUMBERS))
  else if (sort < 0.6) delete tensors[name]
  else if (sort < 0.68) {
    tensor.data = data.slice(0, random.below(data.length + 1))
    tensor.shape = [tensor.data.length]
  } else if (sort < 0.78) {
    const rows = shape[0] ?? 1
    const kept = random.below(rows + 1)
    tensor.data = data.slice(0, rows > 0 ? (kept * data.length) / rows : 0)
    tensor.shape = [kept, ...shape.slice(1)]
  } else if (sort < 0.82) tensor.shape = shape.toReversed()
  else if (sort < 0.86 && (tensor.dtype === 'F32' || tensor.dtype === 'F64')) {
    tensor.data = tensor.dtype === 'F32' ? Float64Array.from(numbers) : Float32Array.from(numbers)
    tensor.dtype = tensor.dtype === 'F32' ? 'F64' : 'F32'
  } else if (sort < 0.93) {
    const other = random.pick(titles)
    if (tensors[other]) [tensors[name], tensors[other]] = [tensors[other], tensor] // swapped
  } else if (typeof data[0] === 'number') {
    const factor = random.pick([-1, 1e10, 1e-30, 2])
    for (let i = 0; i < data.length; i++) numbers[i] *= factor
  }
}

/** A changed text: another word, a number near it, or JSON with one leaf changed. */
function otherText(random: Random, text: string): string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return random.pick(WORDS)
  }
  if (typeof value !== 'object' || value === null)
    return random.chance(0.3) ? String(Number(text) + random.pick([1, -1, 0.5])) : random.pick(WORDS)
  for (let at = value as Record<string, unknown>; ;) {
    const names = Object.keys(at)
    if (names.length === 0) break
    const name = random.pick(names)
    const inner = at[name]
    if (typeof inner === 'object' && inner !== null && random.chance(0.9)) {
      at = inner as Record<string, unknown>
      continue
    }
    if (random.chance(0.1)) delete at[name]
    else if (typeof inner === 'number')
      at[name] = random.pick([inner + 1, inner - 1, -inner, 0, 0.5, 2 ** 31, 2 ** 53, 1e308, null, String(inner)])
    else at[name] = random.pick<unknown>([...WORDS, 0, 1, true, null, []])
    break
  }
  return JSON.stringify(value)
}
