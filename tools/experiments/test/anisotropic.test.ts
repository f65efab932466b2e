// The table in the README is what results/anisotropic.json says, and the claims made of it hold.
// Kills: a table edited by hand, results of another run committed beside it.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { withTable, type Result } from '../src/anisotropic/table.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const result = JSON.parse(read('../results/anisotropic.json')) as Result
const readme = read('../../../packages/poly-features/README.md')

describe('anisotropic monomials', () => {
  it('have the table of the committed results', () => {
    expect(readme).toContain('<!-- experiments:anisotropic -->')
    expect(withTable(readme, result)).toBe(readme)
  })
})
