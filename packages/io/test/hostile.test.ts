// Kills: a cut that reads as a shorter file, a changed header byte that reads as something the header does not say (two tensors
// swapped, a shape transposed, a name cut), an error without the file's name, a handle left open after a refusal.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { matrix } from '@sublinear/core'
import { afterAll, describe, expect, it } from 'vitest'
import { decodeTensors, encodeNpy, encodeTensors } from '../src/index'
import { openRows } from '../src/node'

const folder = await mkdtemp(join(tmpdir(), 'sublinear-'))
afterAll(() => rm(folder, { recursive: true }))

const tensors = encodeTensors(
  {
    keys: { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    n: { dtype: 'U8', shape: [1], data: Uint8Array.of(9) },
  },
  { by: 'é' },
)
const array = encodeNpy(matrix(2, 3, Float32Array.of(1, 2, 3, 4, 5, 6)))

describe('a safetensors file', () => {
  it('is refused when cut anywhere', () => {
    for (let length = 0; length < tensors.length; length++) {
      expect(() => decodeTensors(tensors.subarray(0, length))).toThrow(
        /^safetensors: .* at byte \d+: expected .*, found /s,
      )
    }
  })

  it('gives, after any change of one header byte, an error or what the header then says', () => {
    const end = 8 + tensors[0]
    let read = 0
    for (let at = 0; at < end; at++) {
      for (let change = 1; change < 256; change++) {
        const changed = tensors.slice()
        changed[at] ^= change
        let decoded: ReturnType<typeof decodeTensors>
        try {
          decoded = decodeTensors(changed)
        } catch (error) {
          const { message } = error as Error
          if (!/^safetensors: .* at byte \d+: expected .*, found /s.test(message)) throw error
          continue
        }
        read++
        // JSON.parse is the independent reader; names are unique here, so that it hides nothing.
        const { __metadata__: metadata = {}, ...said } = JSON.parse(new TextDecoder().decode(changed.subarray(8, end)))
        expect({ ...decoded.metadata }).toEqual(metadata)
        expect(Object.keys(said)).toHaveLength(2)
        for (const [name, { dtype, shape, data_offsets }] of Object.entries<any>(said)) {
          const tensor = decoded.tensors.get(name)!
          expect({ dtype: tensor.dtype, shape: tensor.shape }).toEqual({ dtype, shape })
          if (dtype === 'BF16' || dtype === 'F16') continue
          const raw = new Uint8Array(tensor.data.buffer)
          expect(raw).toEqual(changed.slice(end + data_offsets[0], end + data_offsets[1]))
        }
      }
    }
    expect(read).toBeGreaterThan(500) // names and metadata may change freely
    expect(read).toBeLessThan(2000)
  })
})

describe('openRows', () => {
  it.each([
    ['a.npy', array],
    ['a.safetensors', tensors],
  ])('refuses %s cut anywhere, and names the file', async (name, bytes) => {
    const path = join(folder, name)
    for (let length = 0; length < bytes.length; length++) {
      await writeFile(path, bytes.subarray(0, length))
      await expect(openRows(path, name === 'a.npy' ? {} : { tensor: 'keys' })).rejects.toThrow(`openRows: ${path}: `)
    }
    await writeFile(path, bytes)
    const rows = await openRows(path, name === 'a.npy' ? {} : { tensor: 'keys' })
    expect((await rows.blocks(2).next()).value!.data).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6))
    await rows.close()
    if (process.platform !== 'linux') return
    expect((await readdir('/proc/self/fd', { withFileTypes: true })).length).toBeLessThan(100)
  })
})
