// Files that openRows refuses. Kills: a wait for a FIFO, a terabyte read or held because a header says so, an error that does not say what the file is, a file
// that shrinks read as zeros.
import { type FileHandle, appendFile, mkdir, open, truncate, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { matrix } from '@sublinear/core'
import { describe, expect, it, vi } from 'vitest'
import { encodeNpy } from '../src/index'
import { openRows } from '../src/node'
import { scratchFolder, written } from './scratch-folder'

const folder = scratchFolder()
const put = (name: string, bytes: Uint8Array) => written(folder(), name, bytes)
const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i)

const ramp2 = matrix(1, 2, Float32Array.of(1, 2))
/** A file whose header says this. */
function typed(descr: string, fortran = 'False'): Promise<string> {
  const dict = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (2,), }\n`
  return put(
    'typed.npy',
    Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.of(dict.length, 0), Buffer.from(dict)]),
  )
}

describe('a file that cannot be read as rows', () => {
  it.each<[string, () => Promise<string>, string | RegExp]>([
    ['missing', async () => join(folder(), 'missing.npy'), /missing\.npy: there is no such file/],
    ['missing, with an index', async () => join(folder(), 'missing.npy[0]'), /missing\.npy: there is no such file/],
    [
      'empty',
      () => put('empty.npy', new Uint8Array(0)),
      /empty\.npy: is empty \(npy: magic at byte 0: expected byte 147, found the end\)/,
    ],
    ['empty', () => put('empty.safetensors', new Uint8Array(0)), /file at byte 0: expected at least 10 bytes, found 0/],
    ['text', () => put('text.npy', Buffer.from('1,2\n3,4')), /text\.npy: is not a \.npy file \(npy: magic at byte 0/],
    [
      'an archive',
      () => put('x.npz', Buffer.from('PK\u0003\u0004 and more')),
      /x\.npz: npz: archive at byte 0: expected at least 22 bytes, found 13/,
    ],
    [
      'an archive in disguise',
      () => put('z.npy', Buffer.from('PK\u0003\u0004 and more')),
      /z\.npy: is a \.npz archive/,
    ],
    [
      'of two bytes of no type',
      () => typed('<V2'),
      /holds two bytes of no type: say \{ bfloat16: true \}.*\(npy: descr/,
    ],
    [
      'of int128',
      () => typed('<i16'),
      /holds int128 numbers, which are not read: save x\.astype\('float32'\) \(npy: descr/,
    ],
    ['of complex numbers', () => typed('<c8'), /holds complex numbers.*x\.real/],
    ['of words', () => typed('<U3'), /holds no plain numbers/],
    [
      'cut short',
      async () => put('cut.npy', encodeNpy(ramp2).subarray(0, 130)),
      /cut\.npy: is cut short \(npy: data at byte 128/,
    ],
    [
      'too long',
      () => put('long.npy', Buffer.concat([encodeNpy(ramp2), Buffer.of(0)])),
      /long\.npy: is longer than its/,
    ],
    ['damaged', () => typed('<f4', "'nothing'"), /is a \.npy file with a damaged header \(npy: fortran_order/],
    ['of another kind', () => put('a.csv', Buffer.from('1,2')), /a\.csv: must be a \.npy, \.npz or \.safetensors file/],
    ['a number', () => put('n.npy', encodeNpy({ shape: [], data: ramp(1) })), /at least one axis, got \(\)/],
    [
      'of no columns',
      () => put('w.npy', encodeNpy({ shape: [2 ** 53 - 1, 0], data: ramp(0) })),
      /at least one column, got \(9007199254740991, 0\)/,
    ],
    [
      'of three axes',
      () => put('3.npy', encodeNpy({ shape: [2, 1, 1], data: ramp(2) })),
      /shape is \(2, 1, 1\): address one matrix as .*3\.npy\[i\] with i < 2, got 0/,
    ],
    [
      'of four axes',
      async () => `${await put('4.npy', encodeNpy({ shape: [2, 3, 1, 1], data: ramp(6) }))}[1]`,
      /4\.npy\[i,j\] with i < 2, j < 3, got 1/,
    ],
    [
      'of two axes, with an index',
      async () => `${await put('2.npy', encodeNpy(matrix(1, 1)))}[0]`,
      /as .*2\.npy, got 1 indices/,
    ],
    [
      'indexed beyond',
      async () => `${await put('3.npy', encodeNpy({ shape: [2, 1, 1], data: ramp(2) }))}[2]`,
      /index 0 must be < 2 .*, got 2/,
    ],
    [
      'indexed below',
      async () => `${await put('3.npy', encodeNpy({ shape: [2, 1, 1], data: ramp(2) }))}[-1]`,
      /whole numbers such as \[0,3\], got \[-1\]/,
    ],
  ])('is refused: %s', async (_, make, message) => {
    await expect(openRows(await make())).rejects.toThrow(message)
  })

  it('is refused: a directory, a FIFO (without waiting), a device', async () => {
    await mkdir(join(folder(), 'd.npy_'))
    await expect(openRows(join(folder(), 'd.npy_'))).rejects.toThrow(/d\.npy_: must be a regular file, got a directory/)
    if (process.platform === 'win32') return
    execFileSync('mkfifo', [join(folder(), 'fifo.npy')])
    await expect(openRows(join(folder(), 'fifo.npy'))).rejects.toThrow(/must be a regular file, got a FIFO/)
    await expect(openRows('/dev/zero')).rejects.toThrow(/must be a regular file, got a device/)
  })

  it('is refused by its header before its data is read or held', async () => {
    const path = await put('sparse.npy', encodeNpy({ shape: [2, 1], data: ramp(2) }))
    const bytes = Buffer.from(encodeNpy({ shape: [2, 1], data: ramp(2) }).subarray(0, 128))
    bytes.write('(4611686018427387904, 1), } ', bytes.indexOf('(2, 1)'))
    await writeFile(path, bytes)
    await truncate(path, 2 ** 40) // sparse: a terabyte of holes
    const handle: FileHandle = await open(path)
    const read = vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'read')
    await handle.close()
    try {
      await expect(openRows(path)).rejects.toThrow(/whole number up to 2\^53 - 1/)
      bytes.write(`(${2 ** 20}, ${2 ** 18}), }${' '.repeat(20)}`, bytes.indexOf('(4611'))
      await writeFile(path, bytes)
      await truncate(path, 128 + 2 ** 40)
      read.mockClear()
      await using rows = await openRows(path)
      expect((await rows.blocks(1).next()).value!.data.length).toBe(2 ** 18)
      await expect(rows.blocks(2 ** 20).next()).rejects.toThrow(/at most 2\^30 entries, got 1048576 x 262144/)
      const sizes = read.mock.calls.map((call) => (call as unknown as [Uint8Array, number, number])[2])
      expect(sizes.reduce((sum, n) => sum + n, 0)).toBeLessThan(2 ** 21)
    } finally {
      read.mockRestore()
    }
  })

  it('is refused when it shrinks, and when it was closed; a file that grows does not matter', async () => {
    const path = await put('s.npy', encodeNpy(matrix(300_000, 2)))
    const rows = await openRows(path)
    const blocks = rows.blocks(1000)
    await blocks.next()
    await appendFile(path, 'more')
    await blocks.next()
    await truncate(path, 128 + 1_048_576 + 100)
    const rest = async () => {
      for await (const _ of blocks);
    }
    await expect(rest()).rejects.toThrow(
      `openRows: ${path}: data at byte 1048804: expected a file of at least 2097280 bytes, found its end (did it shrink?)`,
    )
    await rows.close()
    await rows.close()
    await expect(rows.blocks(1).next()).rejects.toThrow(`openRows: ${path}: was closed`)
    await expect(rows.blocks(0).next()).rejects.toThrow('openRows: size must be an integer >= 1, got 0')
  })
})
