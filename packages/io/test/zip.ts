import { crc32, deflateRawSync } from 'node:zlib'
import { matrix } from '@sublinear/core'
import { encodeNpy } from '@sublinear/io'

interface ZipOptions {
  readonly deflate?: boolean
  readonly zip64?: boolean
  readonly size?: number
  readonly crc?: number
  readonly comment?: string
  readonly before?: number
  /** Zeros behind the deflated data of each file. */
  readonly behind?: number
}

/** Little-endian numbers of so many bytes. */
export const le = (bytes: number, ...values: number[]) =>
  Buffer.concat(
    values.map((value) => {
      const out = Buffer.alloc(bytes)
      if (bytes === 8) out.writeBigUInt64LE(BigInt(value))
      else out.writeUIntLE(value, 0, bytes)
      return out
    }),
  )

/** An archive from the format's description, written out by hand. */
export function zip(
  files: Record<string, Uint8Array>,
  { deflate, zip64, size, crc, comment = '', before = 0, behind = 0 }: ZipOptions = {},
): Buffer {
  const parts: Buffer[] = [Buffer.alloc(before)]
  const directory: Buffer[] = []
  let at = before
  for (const [name, data] of Object.entries(files)) {
    const packed = deflate ? Buffer.concat([deflateRawSync(data), Buffer.alloc(behind)]) : Buffer.from(data)
    const wide = le(8, size ?? data.length, packed.length)
    const [extra, far] = zip64
      ? [Buffer.concat([le(2, 1, 16), wide]), Buffer.concat([le(2, 1, 24), wide, le(8, at)])]
      : [Buffer.alloc(0), Buffer.alloc(0)]
    const sizes = zip64 ? le(4, 0xffffffff, 0xffffffff) : le(4, packed.length, size ?? data.length)
    const common = (length: number) => [
      le(2, 45, 0, deflate ? 8 : 0, 0, 33),
      le(4, crc ?? crc32(data)),
      sizes,
      le(2, name.length, length),
    ]
    const local = [le(4, 0x04034b50), ...common(extra.length), Buffer.from(name), extra, packed]
    parts.push(...local)
    const place = zip64 ? 0xffffffff : at
    directory.push(
      le(4, 0x02014b50),
      le(2, 45),
      ...common(far.length),
      le(2, 0, 0, 0),
      le(4, 0, place),
      Buffer.from(name),
      far,
    )
    at += Buffer.concat(local).length
  }
  const count = Object.keys(files).length
  const length = Buffer.concat(directory).length
  const record = zip64
    ? [
        le(4, 0x06064b50),
        le(8, 44),
        le(2, 45, 45),
        le(4, 0, 0),
        le(8, count, count, length, at),
        le(4, 0x07064b50, 0),
        le(8, at + length),
        le(4, 1),
      ]
    : []
  const end = zip64
    ? [le(2, 0, 0, 0xffff, 0xffff), le(4, 0xffffffff, 0xffffffff)]
    : [le(2, 0, 0, count, count), le(4, length, at)]
  return Buffer.concat([
    ...parts,
    ...directory,
    ...record,
    le(4, 0x06054b50),
    ...end,
    le(2, comment.length),
    Buffer.from(comment),
  ])
}

/** The same numbers in Fortran order. */
export function fortran(rows: number, cols: number, data: Float32Array): Uint8Array {
  const turned = data.map((_, to) => data[(to % rows) * cols + Math.floor(to / rows)])
  const text = Buffer.from(encodeNpy(matrix(rows, cols, turned))).toString('latin1')
  return Buffer.from(text.replace("'fortran_order': False", "'fortran_order': True "), 'latin1')
}
