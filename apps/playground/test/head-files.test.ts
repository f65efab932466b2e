// Dropped files. Kills: the wrong array for q, k or v, a large file read whole, rows of the wrong place of it, an error without the file's name or in other words than
// in Node, entries that are no numbers taken in, another head than the one asked for, keys of the wrong group.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeNpy, encodeTensors } from '@sublinear/io'
import { openRows } from '@sublinear/io/node'
import { describe, expect, it } from 'vitest'
import { HOSTILE, HOSTILE_ARCHIVES } from '../../../packages/io/test/hostile-files'
import { scratchFolder } from '../../../packages/io/test/scratch-folder'
import { zip } from '../../../packages/io/test/zip'
import { counted, headIn, MOST_ROWS } from '../src/heads/head-files'

const folder = scratchFolder()
const data = (rows: number, cols: number, salt: number) =>
  Float32Array.from({ length: rows * cols }, (_, i) => Math.fround(Math.sin(i + salt)))
const file = (name: string, bytes: Uint8Array) => new File([new Uint8Array(bytes)], name)
const array = (shape: number[], salt: number) =>
  encodeNpy({
    shape,
    data: data(
      shape.reduce((product, n) => product * n, 1),
      1,
      salt,
    ),
  })
const npy = (name: string, rows: number, cols: number, salt: number) => file(name, array([rows, cols], salt))

describe('the head in dropped files', () => {
  it('is found by names, in whatever order', async () => {
    const head = await headIn([npy('my-values.npy', 5, 3, 1), npy('q.npy', 5, 2, 2), npy('layer0_keys.npy', 5, 2, 3)])
    expect([head.queries.data, head.keys.data, head.values.data]).toEqual([data(5, 2, 2), data(5, 2, 3), data(5, 3, 1)])
    expect([head.rowsThere, head.heads, head.head]).toEqual([5, [], ''])
    const packed = zip({ 'note.txt': Buffer.from('hi'), 'v.npy': array([5, 3], 1), 'q.npy': array([5, 2], 2), 'k.npy': array([5, 2], 3) }, { deflate: true }) // prettier-ignore
    const archived = await headIn([file('head.npz', packed)])
    expect([archived.queries, archived.keys, archived.values]).toEqual([head.queries, head.keys, head.values])
  })

  it('is the one asked for of several, with the keys of its group', async () => {
    const tensors = encodeTensors({
      q: { dtype: 'F32', shape: [2, 4, 3, 2], data: data(48, 1, 4) },
      k: { dtype: 'F32', shape: [2, 2, 3, 2], data: data(24, 1, 5) },
      v: { dtype: 'F32', shape: [2, 2, 3, 2], data: data(24, 1, 6) },
    })
    const own = [file('heads.safetensors', tensors)]
    const first = await headIn(own)
    expect([first.head, first.heads]).toEqual(['0.0', ['0.0', '0.1', '0.2', '0.3', '1.0', '1.1', '1.2', '1.3']])
    expect(first.keys).toEqual({ rows: 3, cols: 2, data: data(24, 1, 5).subarray(0, 6) })
    const asked = await headIn(own, '1.2')
    expect(asked.queries.data).toEqual(data(48, 1, 4).subarray(36, 42))
    expect(asked.keys.data).toEqual(data(24, 1, 5).subarray(18, 24))
    expect(asked.values.data).toEqual(data(24, 1, 6).subarray(18, 24))
    expect((await headIn(own, '7.7')).head).toBe('0.0')
    const apart = [
      file('q.npy', array([3, 2, 2], 1)),
      file('k.npy', array([2, 2, 2], 1)),
      file('v.npy', array([3, 2, 2], 1)),
    ]
    await expect(headIn(apart)).rejects.toThrow('queries have the heads [3], keys [2]: they do not fit')
  })

  it('of a large file has its first rows alone, and reads no more of it', async () => {
    const [rows, cols] = [2 ** 17, 64]
    const all = data(rows, cols, 3)
    const tensors = { k: { dtype: 'F32' as const, shape: [rows, cols], data: all } }
    for (const large of [
      file('k.npy', encodeNpy({ shape: [rows, cols], data: all })),
      file('k.safetensors', encodeTensors(tensors)),
    ]) {
      let read = 0
      const head = await headIn([
        npy('q.npy', 5, cols, 1),
        counted(large, (bytes) => (read += bytes)),
        npy('v.npy', 5, cols, 2),
      ])
      expect(head.keys).toEqual({ rows: MOST_ROWS, cols, data: data(MOST_ROWS, cols, 3) })
      expect(head.rowsThere).toBe(rows)
      expect(read).toBeLessThan(large.size / 20)
      expect(read).toBeGreaterThan(4 * MOST_ROWS * cols)
    }
  })

  it('refuses what is none, by its name', async () => {
    const ok = [npy('q.npy', 5, 2, 1), npy('k.npy', 5, 2, 1)]
    await expect(headIn(ok)).rejects.toThrow('no values: name files or arrays')
    const nan = data(2, 2, 1)
    nan[3] = NaN
    const bad = file('v.npy', encodeNpy({ shape: [2, 2], data: nan }))
    await expect(headIn([...ok, bad])).rejects.toThrow(
      'v.npy: data at row 1, column 1: expected a finite float32, found NaN',
    )
  })

  // Those that are refused for a place that was asked for are left out: this page asks for places that there are.
  const hostile = [...HOSTILE.filter(({ index, says }) => !index && says !== 'of three axes'), ...HOSTILE_ARCHIVES]
  it.each(hostile.map((one) => [one.says, one] as const))(
    'says what Node says of a file: %s',
    async (_, { name, bytes, message }) => {
      const own = `v-${name}`
      const path = join(folder(), own)
      await writeFile(path, bytes)
      const inNode: string = await openRows(path).then(
        () => 'nothing',
        (error: Error) => error.message.replaceAll(path, own).replace(/^openRows: /, ''),
      )
      expect(inNode).toMatch(message)
      const said = await headIn([file(own, bytes), npy('q.npy', 5, 2, 1), npy('k.npy', 5, 2, 1)]).then(
        () => 'nothing',
        (error: Error) => error.message,
      )
      expect(said).toBe(inNode)
    },
  )
})
