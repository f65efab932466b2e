import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

// The sample files are the ones that apps/cli/data/README.md describes: same bytes, same shape.
// Kills: a file regenerated, re-encoded or checked out with line endings changed.

const read = (name: string) => readFileSync(new URL(`../../../apps/cli/data/${name}`, import.meta.url))
const page = read('README.md').toString()

describe('the sample data of the command line', () => {
  test.each(['sharp-q', 'sharp-k', 'sharp-v', 'bounded-q', 'bounded-k', 'bounded-v'])('%s.npy', (name) => {
    const bytes = read(`${name}.npy`)
    const header = `{'descr': '<f2', 'fortran_order': False, 'shape': (2, 2, 4096, 32), }`
    expect(bytes.toString('latin1', 1, 6)).toBe('NUMPY')
    expect(bytes.toString('latin1', 10, 128).trim()).toBe(header)
    expect(bytes.length).toBe(128 + 2 * 2 * 4096 * 32 * 2)
    expect(page).toContain(`| \`${name}.npy\` | \`${createHash('sha256').update(bytes).digest('hex')}\` |`)
  })
})
