/**
 * The files that capture_qkv.py writes are those that the commands read: synthetic.safetensors is its output (`--synthetic`), and every entry is compared with
 * the formula in its docstring, head by head through openRows, as `sublinear compare` reads it.
 * Kills: heads in another order (the formula differs at every head), a header offset off by 8 bytes, q and k exchanged (steps 3 and 5).
 */
import { decodeTensors } from '@sublinear/io'
import { openRows } from '@sublinear/io/node'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const file = fileURLToPath(new URL('synthetic.safetensors', import.meta.url))
const [LAYERS, TOKENS, D] = [2, 24, 8]

describe('the file of capture_qkv.py', () => {
  it.each([
    ['q', 4, 3],
    ['k', 2, 5],
    ['v', 2, 7],
  ] as const)('%s has its heads where the commands look for them', async (name, heads, step) => {
    for (let layer = 0; layer < LAYERS; layer++) {
      for (let head = 0; head < heads; head++) {
        const rows = await openRows(`${file}[${layer},${head}]`, { tensor: name })
        const first = (layer * heads + head) * TOKENS * D
        const expected = Array.from({ length: TOKENS * D }, (_, i) => ((((first + i) * step) % 17) - 8) / 8)
        for await (const block of rows.blocks(TOKENS)) expect([...block.data]).toEqual(expected)
        expect([rows.rows, rows.cols]).toEqual([TOKENS, D])
        await rows.close()
      }
    }
  })

  it('says how it was made', () => {
    const { metadata } = decodeTensors(readFileSync(file))
    expect(metadata).toEqual({
      format: 'sublinear-qkv-1',
      model: 'synthetic',
      tokens: '24',
      scale: '0.3535533905932738,0.3535533905932738',
    })
  })
})
