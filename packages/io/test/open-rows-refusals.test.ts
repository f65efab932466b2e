// Files that openRows refuses. Kills: a wait for a FIFO, a terabyte read or held because a header says so, an error that does not say what the file is, a file
// that shrinks read as zeros.
import { type FileHandle, appendFile, mkdir, open, truncate, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { matrix } from '@sublinear/core'
import { describe, expect, it, vi } from 'vitest'
import { encodeNpy } from '../src/index'
import { openRows } from '../src/node'
import { HOSTILE } from './hostile-files'
import { scratchFolder, written } from './scratch-folder'

const folder = scratchFolder()
const put = (name: string, bytes: Uint8Array) => written(folder(), name, bytes)
const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i)

describe('a file that cannot be read as rows', () => {
  it.each(HOSTILE.map((file) => [file.says, file] as const))(
    'is refused: %s',
    async (_, { name, bytes, index, message }) => {
      const path = await put(name, bytes)
      await expect(openRows(index ? `${path}[${index.join(',')}]` : path)).rejects.toThrow(message)
    },
  )

  it('is refused: one that is not there', async () => {
    for (const index of ['', '[0]'])
      await expect(openRows(`${join(folder(), 'missing.npy')}${index}`)).rejects.toThrow(
        /missing\.npy: there is no such file/,
      )
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
