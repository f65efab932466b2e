// The table in the README is what evidence/anisotropic/result.json says, and the claims made of it hold.
// Kills: a table edited by hand, results of another run committed beside it.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { withTable, type Result } from '../anisotropic/table.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const result = JSON.parse(read('../anisotropic/result.json')) as Result
const readme = read('../../docs/measured/feature-maps.md')

describe('anisotropic monomials', () => {
  it('have the table of the committed results', () => {
    expect(readme).toContain('<!-- experiments:anisotropic -->')
    expect(withTable(readme, result)).toBe(readme)
  })

  it('with 256 features and 32 far keys miss less than a third in 26 of 27 cells, and beat what fits the same memory in all', () => {
    const errors = result.cells.map(({ methods }) => methods['t = 256, 32 far keys'].error)
    expect(errors.length).toBe(27)
    expect(errors.filter((error) => error < 0.33).length).toBe(26)
    for (const { methods } of result.cells) {
      const { error } = methods['t = 256, 32 far keys']
      for (const other of ['32 far keys and the mean value', 'a uniform sample of as many floats as t = 256'])
        expect(error).toBeLessThan(methods[other].error)
    }
  })
})
