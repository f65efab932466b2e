// Dropped files. Kills: the wrong array for q, k or v, a large file read whole, rows of the wrong place of it, an error without the file's name, entries that are no
// numbers taken in.
import { encodeNpy, encodeTensors } from '@sublinear/io'
import { describe, expect, it } from 'vitest'
import { headIn, MOST_ROWS } from '../src/heads/head-files'

const data = (rows: number, cols: number, salt: number) =>
  Float32Array.from({ length: rows * cols }, (_, i) => Math.fround(Math.sin(i + salt)))
const npy = (name: string, rows: number, cols: number, salt: number) =>
  new File([new Uint8Array(encodeNpy({ shape: [rows, cols], data: data(rows, cols, salt) }))], name)

describe('the head in dropped files', () => {
  it('is found by names, in whatever order', async () => {
    const head = await headIn([npy('my-values.npy', 5, 3, 1), npy('q.npy', 5, 2, 2), npy('layer0_keys.npy', 5, 2, 3)])
    expect([head.queries.data, head.keys.data, head.values.data]).toEqual([data(5, 2, 2), data(5, 2, 3), data(5, 3, 1)])
    const tensors = { q: 4, k: 5, v: 6 }
    const file = encodeTensors(
      Object.fromEntries(
        Object.entries(tensors).map(([name, salt]) => [
          name,
          { dtype: 'F32' as const, shape: [2, 3, 2], data: data(6, 2, salt) },
        ]),
      ),
    )
    const first = await headIn([new File([new Uint8Array(file)], 'head.safetensors')])
    expect(first.keys).toEqual({ rows: 3, cols: 2, data: data(6, 2, 5).slice(0, 6) })
  })

  it('of a large file has its first rows alone, and reads no more of it', async () => {
    const cols = 64
    const rows = 2 ** 17
    const large = npy('k.npy', rows, cols, 3)
    let read = 0
    const watched = new Proxy(large, {
      get(file, name) {
        if (name === 'arrayBuffer') throw new Error('read whole')
        const value = Reflect.get(file, name) as unknown
        if (name !== 'slice') return typeof value === 'function' ? value.bind(file) : value
        return (from: number, to: number) => {
          read += to - from
          return file.slice(from, to)
        }
      },
    })
    const head = await headIn([npy('q.npy', 5, cols, 1), watched, npy('v.npy', 5, cols, 2)])
    expect(head.keys).toEqual({ rows: MOST_ROWS, cols, data: data(MOST_ROWS, cols, 3) })
    expect(read).toBeLessThan(large.size / 20)
  })

  it('refuses what is none, by its name', async () => {
    const ok = [npy('q.npy', 5, 2, 1), npy('k.npy', 5, 2, 1)]
    await expect(headIn(ok)).rejects.toThrow('no values: name files or arrays')
    await expect(headIn([new File(['hello'], 'v.npy')])).rejects.toThrow(/^v\.npy: /)
    await expect(headIn([new File(['hello'], 'v.txt')])).rejects.toThrow(
      'v.txt: must be a .npy, .npz or .safetensors file',
    )
    const nan = data(2, 2, 1)
    nan[3] = NaN
    const bad = new File([new Uint8Array(encodeNpy({ shape: [2, 2], data: nan }))], 'v.npy')
    await expect(headIn([...ok, bad])).rejects.toThrow('v.npy: must be finite, got NaN at row 1, column 1')
  })
})
