// Files that every reader refuses, whole: in Node from a path, in a browser from a File. The same words of each.
import { matrix } from '@sublinear/core'
import { encodeNpy } from '@sublinear/io'
import { le, zip } from './zip.ts'

export interface HostileFile {
  readonly says: string
  readonly name: string
  readonly bytes: Uint8Array
  /** Place of one matrix, where the file has more axes. */
  readonly index?: readonly number[] | undefined
  readonly message: string | RegExp
}

const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i)
const ramp2 = matrix(1, 2, Float32Array.of(1, 2))

/** A .npy file whose header says this. */
function typed(descr: string, fortran = 'False'): Uint8Array {
  const dict = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (2,), }\n`
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.of(dict.length, 0), Buffer.from(dict)])
}

const axes = (...shape: number[]) => encodeNpy({ shape, data: ramp(shape.reduce((product, n) => product * n, 1)) })

/** Single files: what is wrong, and what is said. */
export const HOSTILE: readonly HostileFile[] = [
  {
    says: 'empty',
    name: 'empty.npy',
    bytes: new Uint8Array(0),
    message: /empty\.npy: is empty \(npy: magic at byte 0: expected byte 147, found the end\)/,
  },
  {
    says: 'empty tensors',
    name: 'empty.safetensors',
    bytes: new Uint8Array(0),
    message: /file at byte 0: expected at least 10 bytes, found 0/,
  },
  {
    says: 'text',
    name: 'text.npy',
    bytes: Buffer.from('1,2\n3,4'),
    message: /text\.npy: is not a \.npy file \(npy: magic at byte 0/,
  },
  {
    says: 'an archive',
    name: 'x.npz',
    bytes: Buffer.from('PK\u0003\u0004 and more'),
    message: /x\.npz: npz: archive at byte 0: expected at least 22 bytes, found 13/,
  },
  {
    says: 'an archive in disguise',
    name: 'z.npy',
    bytes: Buffer.from('PK\u0003\u0004 and more'),
    message: /z\.npy: is a \.npz archive/,
  },
  {
    says: 'of two bytes of no type',
    name: 'typed.npy',
    bytes: typed('<V2'),
    message: /holds two bytes of no type: say \{ bfloat16: true \}.*\(npy: descr/,
  },
  {
    says: 'of int128',
    name: 'typed.npy',
    bytes: typed('<i16'),
    message: /holds int128 numbers, which are not read: save x\.astype\('float32'\) \(npy: descr/,
  },
  { says: 'of complex numbers', name: 'typed.npy', bytes: typed('<c8'), message: /holds complex numbers.*x\.real/ },
  { says: 'of words', name: 'typed.npy', bytes: typed('<U3'), message: /holds no plain numbers/ },
  {
    says: 'cut short',
    name: 'cut.npy',
    bytes: encodeNpy(ramp2).subarray(0, 130),
    message: /cut\.npy: is cut short \(npy: data at byte 128/,
  },
  {
    says: 'too long',
    name: 'long.npy',
    bytes: Buffer.concat([encodeNpy(ramp2), Buffer.of(0)]),
    message: /long\.npy: is longer than its/,
  },
  {
    says: 'damaged',
    name: 'typed.npy',
    bytes: typed('<f4', "'nothing'"),
    message: /is a \.npy file with a damaged header \(npy: fortran_order/,
  },
  {
    says: 'of another kind',
    name: 'a.csv',
    bytes: Buffer.from('1,2'),
    message: /a\.csv: must be a \.npy, \.npz or \.safetensors file/,
  },
  { says: 'a number', name: 'n.npy', bytes: axes(), message: /at least one axis, got \(\)/ },
  {
    says: 'of no columns',
    name: 'w.npy',
    bytes: encodeNpy({ shape: [2 ** 53 - 1, 0], data: ramp(0) }),
    message: /at least one column, got \(9007199254740991, 0\)/,
  },
  {
    says: 'of three axes',
    name: '3.npy',
    bytes: axes(2, 1, 1),
    message: /shape is \(2, 1, 1\): address one matrix as .*3\.npy\[i\] with i < 2, got 0/,
  },
  {
    says: 'of four axes',
    name: '4.npy',
    bytes: axes(2, 3, 1, 1),
    index: [1],
    message: /4\.npy\[i,j\] with i < 2, j < 3, got 1/,
  },
  {
    says: 'of two axes, with an index',
    name: '2.npy',
    bytes: axes(1, 1),
    index: [0],
    message: /as .*2\.npy, got 1 indices/,
  },
  { says: 'indexed beyond', name: '3.npy', bytes: axes(2, 1, 1), index: [2], message: /index 0 must be < 2 .*, got 2/ },
  {
    says: 'indexed below',
    name: '3.npy',
    bytes: axes(2, 1, 1),
    index: [-1],
    message: /whole numbers such as \[0,3\], got \[-1\]/,
  },
]

const q = encodeNpy(matrix(4, 3, ramp(12)))
const zeros = encodeNpy(matrix(100_000, 1))
const deflated = zip({ 'q.npy': q }, { deflate: true })

/** Archives of one array, or none. */
export const HOSTILE_ARCHIVES: readonly HostileFile[] = [
  {
    says: 'another CRC-32',
    name: 'r.npz',
    bytes: zip({ 'q.npy': q }, { crc: 1 }),
    message: /q\.npy at byte 35: expected bytes of the CRC-32/,
  },
  {
    says: 'another CRC-32, deflated',
    name: 'r.npz',
    bytes: zip({ 'q.npy': q }, { crc: 1, deflate: true }),
    message: /expected bytes of the CRC-32/,
  },
  {
    says: 'more than it says',
    name: 'r.npz',
    bytes: zip({ 'q.npy': q }, { size: 100, deflate: true }),
    message: /expected 100 bytes in deflated form, found more/,
  },
  {
    says: 'less than it says',
    name: 'r.npz',
    bytes: zip({ 'q.npy': q }, { size: 200, deflate: true }),
    message: /expected 200 bytes in deflated form, found 176/,
  },
  {
    says: 'what does not inflate',
    name: 'r.npz',
    bytes: damaged(deflated),
    message: /expected 176 bytes in deflated form, found something else/,
  },
  {
    says: 'another size',
    name: 'r.npz',
    bytes: zip({ 'q.npy': q }, { size: 200 }),
    message: /expected at most 176 bytes of q\.npy, found 200/,
  },
  {
    says: 'a size beyond what deflate can',
    name: 'r.npz',
    bytes: zip({ 'q.npy': zeros }, { size: 2 ** 40, deflate: true, zip64: true }),
    message: /expected at most \d+ bytes of q\.npy, found 1099511627776/,
  },
  {
    says: 'bytes before it',
    name: 'r.npz',
    bytes: zip({ 'q.npy': q }, { before: 4 }),
    message: /archive at byte 0: expected the header of a file/,
  },
  { says: 'no array', name: 'r.npz', bytes: zip({ 'q.npy': Buffer.from('text') }), message: /magic at byte 0/ },
  {
    says: 'a longer array',
    name: 'r.npz',
    bytes: zip({ 'q.npy': Buffer.concat([q, Buffer.of(0)]) }),
    message: /expected 48 bytes for shape \(4, 3\), found 49/,
  },
  { says: 'encrypted', name: 'r.npz', bytes: flagged(zip({ 'q.npy': q }), 1), message: /without encryption/ },
  {
    says: 'two of a name',
    name: 'r.npz',
    bytes: Buffer.from(zip({ 'q.npy': q, 'k.npy': q }).toString('latin1').replaceAll('k.npy', 'q.npy'), 'latin1'),
    message: /each name once/,
  },
  {
    says: 'another name in the file',
    name: 'r.npz',
    bytes: renamed(zip({ 'q.npy': q })),
    message: /expected the header of q\.npy, as in the directory/,
  },
]

/** The archive with other flags in its directory. */
function flagged(bytes: Buffer, flags: number): Buffer {
  const at = bytes.indexOf(le(4, 0x02014b50))
  bytes.writeUInt16LE(flags, at + 8)
  return bytes
}

/** The archive with another name in front of the data than in its directory. */
function renamed(bytes: Buffer): Buffer {
  bytes.write('x', 30)
  return bytes
}

/** The archive with a first deflated block of no kind. */
function damaged(bytes: Buffer): Buffer {
  const packed = 30 + 'q.npy'.length
  bytes[packed] = 0b111
  return bytes
}
