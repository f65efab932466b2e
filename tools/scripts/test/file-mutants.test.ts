import { spawnSync } from 'node:child_process'
import * as core from '@sublinear/core'
import * as io from '@sublinear/io'
import { describe, expect, it } from 'vitest'
import { compareMutants } from '../file-mutants.mjs'

// A small sample of what `node tools/scripts/file-mutants.mjs` does with 100,000 files of a format. Kills: a byte order or Fortran order that is ignored for one
// type, sizes of one type taken for another's, a CRC-32 that is not compared, a directory that is believed where the file says otherwise, an L let through in
// version 3, a tensor of a passed-over type that is counted as data of another.

const hasPython = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))']).status === 0

describe.runIf(hasPython)('damaged files', () => {
  it.each(['npy', 'npz', 'safetensors'] as const)(
    'of .%s are read as Python reads them, or refused',
    async (format) => {
      const result = await compareMutants({ ...core, ...io }, format, 1000, 3)
      expect(result.examples).toEqual([])
      expect(result.disagreements).toBe(0)
      expect(result.accepted).toBeGreaterThan(50)
      expect(result.refusedByBoth).toBeGreaterThan(500)
    },
  )

  it('are seen where a reader is lenient', async () => {
    const lenient = {
      ...core,
      ...io,
      decodeNpy: (bytes: Uint8Array) => io.decodeNpy(inCOrder(bytes), { bfloat16: true }),
    }
    expect((await compareMutants(lenient, 'npy', 100, 3)).disagreements).toBeGreaterThan(0)
  })
})

/** Changes a header in Fortran order to say that it is not. */
function inCOrder(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1')
  return Buffer.from(text.replace('True,', 'False,').replace(' \n', '\n'), 'latin1')
}
