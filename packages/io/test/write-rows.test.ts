// writeRows, and writeWhole beside it. Kills: a header that says too few rows or is longer than its room, rows at the wrong offset after a refused or failed write,
// a target touched before close, a temporary file left behind by abort, by a failed close or by `await using`, f2 cut off,
// a link to no file replaced by a file, what a killed process left kept, what a living one is writing removed, matrices of unequal length.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  type FileHandle,
  appendFile,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { matrix, rowsOf } from '@sublinear/core'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { decodeNpy, encodeNpy } from '../src/index'
import { openRows, writeRows, writeWhole } from '../src/node'

const base = await mkdtemp(join(tmpdir(), 'sublinear-'))
let folder = ''
let count = 0
beforeEach(async () => void (await mkdir((folder = join(base, `${count++}`)))))
afterAll(() => rm(base, { recursive: true }))

const ramp = (rows: number, cols: number) =>
  matrix(
    rows,
    cols,
    Float32Array.from({ length: rows * cols }, (_, i) => i / 8),
  )

describe('writeRows', () => {
  test.prop(
    [fc.constantFrom('f2', 'f4', 'f8'), fc.integer({ min: 1, max: 5 }), fc.array(fc.nat(7), { maxLength: 6 })],
    { seed: 4 },
  )('gives what encodeNpy gives, however the rows are cut', async (dtype, cols, sizes) => {
    const path = join(folder, 'a.npy')
    const rows = sizes.reduce((sum, n) => sum + n, 0)
    const whole = ramp(rows, cols)
    const writer = await writeRows(path, cols, { dtype })
    let at = 0
    for (const size of sizes) await writer.write(rowsOf(whole, at, (at += size)))
    expect(writer.rows).toBe(rows)
    await writer.close()
    const bytes = await readFile(path)
    expect(decodeNpy(bytes)).toEqual(decodeNpy(encodeNpy(whole, { dtype })))
    expect(bytes.length - rows * cols * { f2: 2, f4: 4, f8: 8 }[dtype]).toBe(128)
    expect(await readdir(folder)).toEqual(['a.npy'])
  })

  it('follows a link, keeps the mode of what it replaces, and refuses what is no regular file', async () => {
    const [real, link, fifo] = ['real.npy', 'link.npy', 'fifo'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    await writeFile(real, 'before', { mode: 0o640 })
    await symlink(real, link)
    const writer = await writeRows(link, 2)
    await writer.write(ramp(3, 2))
    await writer.close()
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    expect(decodeNpy(await readFile(real)).shape).toEqual([3, 2])
    expect((await stat(real)).mode & 0o777).toBe(0o640)
    execFileSync('mkfifo', [fifo])
    await expect(writeRows(fifo, 2)).rejects.toThrow('must be a regular file or not exist')
    await expect(writeRows('/dev/null', 2)).rejects.toThrow('must be a regular file or not exist')
    await expect(writeRows('', 2)).rejects.toThrow('path must not be empty')
    await expect(writeRows(join(folder, 'none', 'a.npy'), 2)).rejects.toThrow('there is no folder')
    expect((await readdir(folder)).toSorted()).toEqual(['fifo', 'link.npy', 'real.npy'])
  })

  it('leaves the target alone until close, and for good after abort or a scope that ends early', async () => {
    const path = join(folder, 'a.npy')
    await writeFile(path, 'before')
    const writer = await writeRows(path, 2)
    const other = await writeRows(path, 2)
    await writer.write(ramp(3, 2))
    expect(await readFile(path, 'utf8')).toBe('before')
    expect(await readdir(folder)).toHaveLength(3)
    await other.abort()
    await other.abort()
    const interrupted = async () => {
      await using scoped = await writeRows(path, 2)
      await scoped.write(ramp(1, 2))
      throw new Error('interrupted')
    }
    await expect(interrupted()).rejects.toThrow('interrupted')
    const hasty = await writeRows(path, 2)
    await Promise.all([hasty.write(ramp(2, 2)), hasty.abort()]) // abort waits for the write
    expect(await readdir(folder)).toHaveLength(2)
    expect(await readFile(path, 'utf8')).toBe('before')
    await writer.close()
    await writer.abort() // too late to change anything
    expect(decodeNpy(await readFile(path)).shape).toEqual([3, 2])
    expect(await readdir(folder)).toEqual(['a.npy'])
    await expect(writer.write(ramp(1, 2))).rejects.toThrow(`writeRows: ${path}: was closed`)
    await expect(other.close()).rejects.toThrow(`writeRows: ${path}: was aborted`)
  })

  it('refuses what does not fit and goes on as if it had not been asked', async () => {
    const path = join(folder, 'a.npy')
    const writer = await writeRows(path, 2, { dtype: 'f2' })
    await expect(writer.write(ramp(1, 3))).rejects.toThrow('writeRows: block must have 2 columns, got 3')
    await expect(writer.write(matrix(1, 2, Float32Array.of(1, NaN)))).rejects.toThrow(
      /finite, got NaN at row 0, column 1/,
    )
    await expect(writer.write(matrix(2, 2, Float32Array.of(1, 2, 3, 65520)))).rejects.toThrow(
      'must fit f2, got 65520 at row 1, column 1',
    )
    const first = writer.write(matrix(1, 2, Float32Array.of(1, 65519)))
    await expect(writer.write(ramp(1, 2))).rejects.toThrow('await the call before this one')
    await expect(writer.close()).rejects.toThrow('await the call before this one')
    await first
    await writer.write(matrix(1, 2, Float32Array.of(3, 2049)))
    await writer.close()
    expect(decodeNpy(await readFile(path))).toEqual({
      dtype: 'f2',
      shape: [2, 2],
      data: Float32Array.of(1, 65504, 3, 2048),
    })
  })

  it('can write a block again after the disk failed, and drops the file when it cannot be completed', async () => {
    const path = join(folder, 'a.npy')
    const writer = await writeRows(path, 1)
    await writer.write(ramp(2, 1))
    const probe = await open(path + '.probe', 'w')
    const write = vi.spyOn(Object.getPrototypeOf(probe) as FileHandle, 'write')
    await probe.close()
    await rm(path + '.probe')
    const full = async () => {
      await appendFile(path.replace(/a\.npy$/, (await readdir(folder))[0]), 'half a block')
      throw new Error('ENOSPC: no space left')
    }
    write.mockImplementationOnce(full)
    await expect(writer.write(ramp(5, 1))).rejects.toThrow(`writeRows: ${path}: ENOSPC: no space left`)
    write.mockRestore()
    await writer.write(ramp(1, 1))
    await writer.close()
    expect([...decodeNpy(await readFile(path)).data]).toEqual([0, 1 / 8, 0])
    const late = await writeRows(join(folder, 'b.npy'), 1)
    await mkdir(join(folder, 'b.npy'))
    await expect(late.close()).rejects.toThrow(/writeRows: .*b\.npy: /)
    expect(await readdir(folder)).toEqual(['a.npy', 'b.npy'])
  })

  it('refuses a target that cannot be one', async () => {
    await expect(writeRows(folder, 1)).rejects.toThrow(`writeRows: ${folder}: is a directory`)
    await expect(writeRows(join(folder, 'no', 'a.npy'), 1)).rejects.toThrow(/a\.npy: there is no folder/)
    await expect(writeRows(join(folder, 'a.npy'), 0)).rejects.toThrow('writeRows: cols must be an integer >= 1, got 0')
    await expect(writeRows(join(folder, 'a.npy'), 1, { dtype: 'i4' as 'f4' })).rejects.toThrow(/dtype must be/)
    expect(await readdir(folder)).toEqual([])
  })

  it('writes the matrices of an array one after another, and refuses those of unequal length', async () => {
    const path = join(folder, 'a.npy')
    const writer = await writeRows(path, 2, { lead: [2, 3] })
    await writer.write(ramp(5, 2))
    await expect(writer.close()).rejects.toThrow('5 rows must be as many for each of 6 matrices')
    expect(await readdir(folder)).toEqual([])
    const again = await writeRows(path, 2, { lead: [2, 3] })
    await again.write(ramp(24, 2))
    await again.close()
    expect(decodeNpy(await readFile(path))).toEqual({ dtype: 'f4', shape: [2, 3, 4, 2], data: ramp(24, 2).data })
    const rows = await openRows(`${path}[1,0]`)
    for await (const block of rows.blocks(9)) expect(block.data).toEqual(ramp(24, 2).data.slice(24, 32))
    await rows.close()
    await expect(writeRows(path, 2, { lead: [0] })).rejects.toThrow('lead must be an integer >= 1')
  })

  it('follows a link that leads to no file yet', async () => {
    await mkdir(join(folder, 'far'))
    await symlink(join('far', 'b.npy'), join(folder, 'link'))
    await symlink('link', join(folder, 'chain'))
    await symlink('circle', join(folder, 'circle'))
    await writeWhole(join(folder, 'chain'), 'text')
    expect(await readFile(join(folder, 'far', 'b.npy'), 'utf8')).toBe('text')
    expect((await lstat(join(folder, 'link'))).isSymbolicLink()).toBe(true)
    await expect(writeWhole(join(folder, 'circle'), 'text')).rejects.toThrow('circle')
    await expect(writeWhole(folder, 'text')).rejects.toThrow(`writeWhole: ${folder}: is a directory`)
    await expect(writeWhole('/dev/null', 'text')).rejects.toThrow('must be a regular file or not exist')
  })

  it('removes what a killed process left, and nothing that a living one is writing', async () => {
    const path = join(folder, 'a.npy')
    const writer = await writeRows(path, 2)
    const [living] = await readdir(folder)
    const gone = spawn('true')
    await once(gone, 'exit')
    const left = living.replace(`-${process.pid}-`, `-${gone.pid!}-`)
    expect(left).not.toBe(living)
    const others = [left.replace('a.npy', 'b.npy'), left.replace('.npy.', '.npy.0'), `${left}.txt`]
    for (const name of [left, ...others]) await writeFile(join(folder, name), 'half')
    const next = await writeRows(path, 2)
    const names = await readdir(folder)
    expect(names).not.toContain(left)
    for (const name of [living, ...others]) expect(names).toContain(name)
    await Promise.all([writer.abort(), next.abort()])
  })
})
