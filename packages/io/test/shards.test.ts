// Models in several files. Kills: a list believed where the file lacks the tensor, a file outside the folder opened, the first of two files of the same tensor
// taken, an index in brackets lost, a folder without a list refused, a file whose name ends in brackets passed over.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeTensors } from '@sublinear/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { arrayShape, openRows } from '../src/node'
import { scratchFolder } from './scratch-folder'

const folder = scratchFolder()
const PROTO = '__proto__'
const one = encodeTensors({
  a: { dtype: 'F32', shape: [2, 1], data: Float32Array.of(1, 2) },
  [PROTO]: { dtype: 'F32', shape: [1, 1], data: Float32Array.of(9) },
})
const two = encodeTensors({ b: { dtype: 'F32', shape: [2, 1, 1], data: Float32Array.of(3, 4) } })
const LIST = 'model.safetensors.index.json'

async function model(name: string, files: Record<string, Uint8Array | string>): Promise<string> {
  const at = join(folder(), name)
  await mkdir(at, { recursive: true })
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(at, file), bytes)
  return at
}
const list = (map: Record<string, unknown>) =>
  `{"metadata":{"total_size":8},"weight_map":{${Object.entries(map).map(([name, file]) => `${JSON.stringify(name)}:${JSON.stringify(file)}`)}}}`

async function read(path: string, tensor?: string): Promise<number[]> {
  await using rows = await openRows(path, { tensor })
  for await (const { data } of rows.blocks(9)) return [...data]
  return []
}

describe('a model in several files', () => {
  let listed = ''
  let bare = ''
  beforeAll(async () => {
    const map = list({
      a: '1.safetensors',
      b: '2.safetensors',
      c: '2.safetensors',
      d: '3.safetensors',
    })
    listed = await model('listed', {
      '1.safetensors': one,
      '2.safetensors': two,
      [LIST]: map.replace('"weight_map":{', '"weight_map":{"__proto__":"1.safetensors",'),
    })
    bare = await model('bare', { '1.safetensors': one, '2.safetensors': two, 'config.json': '{}' })
  })

  it.each(['folder', 'folder with a slash', 'list', 'folder without a list'])('is read by its %s', async (way) => {
    const path = {
      folder: listed,
      'folder with a slash': `${listed}/`,
      list: join(listed, LIST),
      'folder without a list': bare,
    }[way]!
    expect(await read(path, 'a')).toEqual([1, 2])
    expect(await read(path, '__proto__')).toEqual([9])
    expect(await read(`${path}[1]`, 'b')).toEqual([4])
    expect(await arrayShape(path, { tensor: 'b' })).toEqual({ shape: [2, 1, 1], index: [] })
    expect(await arrayShape(`${path}[1]`, { tensor: 'b' })).toEqual({ shape: [2, 1, 1], index: [1] })
    await expect(read(path, 'x')).rejects.toThrow(/tensor must be one of: .*; got "x"/)
    await expect(read(path)).rejects.toThrow(/tensor must be given, one of: /)
  })

  it('is refused where the list is wrong', async () => {
    await expect(read(listed, 'c')).rejects.toThrow(
      `${join(listed, '2.safetensors')}: tensor must be one of: b; got "c"`,
    )
    await expect(read(listed, 'd')).rejects.toThrow(`${join(listed, '3.safetensors')}: there is no such file`)
  })

  it.each<[string, Record<string, Uint8Array | string>, RegExp]>([
    [
      'a file elsewhere',
      { [LIST]: list({ a: '../listed/1.safetensors' }) },
      /weight_map must name \.safetensors files beside it, got "\.\.\/listed/,
    ],
    ['a file of another kind', { [LIST]: list({ a: 'a.bin' }) }, /got "a\.bin" for a/],
    ['a number', { [LIST]: list({ a: 1 }) }, /got 1 for a/],
    ['no JSON', { [LIST]: '{' }, /must be JSON/],
    ['no list', { [LIST]: '[]' }, /must have a weight_map/],
    ['null', { [LIST]: 'null' }, /must have a weight_map/],
    [
      'two lists',
      { [LIST]: list({}), ['x.safetensors.index.json']: list({}) },
      /several lists of tensors, name one: model.*, x\./,
    ],
    ['nothing', {}, /must be a regular file, got a directory without \.safetensors files/],
    [
      'the tensor twice',
      { '1.safetensors': one, '2.safetensors': one },
      /tensor a is in 1\.safetensors and 2\.safetensors/,
    ],
    [
      'a damaged file',
      { '1.safetensors': one, '2.safetensors': two.subarray(0, 40) },
      /2\.safetensors: safetensors: header length at byte 0/,
    ],
  ])('is refused: %s', async (name, files, message) => {
    const path = await model(`wrong ${name}`, files)
    await expect(read(path, 'a')).rejects.toThrow(message)
    await expect(read(path, 'a')).rejects.toThrow(`openRows: ${path}: `)
  })
})

it('a file whose name ends in brackets comes before a folder', async () => {
  await model('odd', { '1.safetensors': one })
  await writeFile(join(folder(), 'odd[1]'), one)
  expect(await read(join(folder(), 'odd[1]'), 'a')).toEqual([1, 2])
})
