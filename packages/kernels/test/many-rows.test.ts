// Many query rows over many keys: sums of 4096 rows at a time are joined. Kills: rows of a strip that see the keys of the first, a last strip of few rows, which would be
// summed in another order, strips of resident arrays that write to the first rows, float64 sums of all rows at once.
import { describe, expect, test, vi } from 'vitest'
import { simdKernels } from './all-kernels'
import { bits, numbers } from './oracle'

const [d, dv, keyCount] = [4, 5, 4100]

function blockOf(rows: number, causal: { readonly visible: number; readonly groups: number } | undefined) {
  return {
    rows,
    keyCount,
    d,
    dv,
    scale: 0.7,
    ...(causal && { causal }),
    queries: numbers(1, rows * d),
    keys: numbers(2, keyCount * d),
    values: numbers(3, keyCount * dv),
    max: new Float32Array(rows).fill(-Infinity),
    mass: new Float64Array(rows),
    sum: new Float32Array(rows * dv),
  }
}

/** The same in calls of 50 rows and more. */
function byFew(kernels: ReturnType<typeof simdKernels>, block: ReturnType<typeof blockOf>) {
  const { rows, causal } = block
  const step = 50 * (causal?.groups ?? 1)
  for (let from = 0; from < rows;) {
    const to = rows - from < 2 * step ? rows : from + step
    kernels.attend({
      ...block,
      rows: to - from,
      queries: block.queries.subarray(from * d, to * d),
      ...(causal && { causal: { ...causal, visible: causal.visible + from / causal.groups } }),
      max: block.max.subarray(from, to),
      mass: block.mass.subarray(from, to),
      sum: block.sum.subarray(from * dv, to * dv),
    })
    from = to
  }
}

describe('attend of many rows over many keys', () => {
  const kernels = simdKernels()
  test.each([
    { rows: 4101, causal: { visible: 1, groups: 1 } },
    { rows: 4100, causal: { visible: 3, groups: 1 } },
    { rows: 8194, causal: undefined },
    { rows: 12_300, causal: { visible: 1, groups: 3 } },
  ])('$rows rows have the bits of fewer at a time: $causal', ({ rows, causal }) => {
    const [whole, parts] = [blockOf(rows, causal), blockOf(rows, causal)]
    kernels.attend(whole)
    byFew(kernels, parts)
    for (const part of ['max', 'mass', 'sum'] as const) expect(bits(whole[part])).toEqual(bits(parts[part]))
  })
  test('resident arrays have the same bits', () => {
    const [rows, causal] = [8200, { visible: 1, groups: 2 }]
    const plain = blockOf(rows, causal)
    kernels.attend(plain)
    const own = blockOf(rows, causal)
    const [max, sum, mass] = [kernels.floats(rows), kernels.floats(rows * dv), kernels.doubles(rows)]
    max.write(own.max)
    sum.write(own.sum)
    mass.write(own.mass)
    kernels.attend({ ...own, max, sum, mass })
    for (const [part, held] of [
      ['max', max],
      ['mass', mass],
      ['sum', sum],
    ] as const)
      expect(bits(held.read())).toEqual(bits(plain[part]))
    for (const one of [max, sum, mass]) one[Symbol.dispose]()
  })
  test('they take no float64 sums of all rows', () => {
    const rows = 2 ** 15
    const block = blockOf(rows, { visible: 4100 - rows, groups: 1 }) // the last rows alone see keys
    const lengths: number[] = []
    const from = vi.spyOn(Float64Array, 'from').mockImplementation((source: Iterable<unknown>) => {
      const copy = new Float64Array(source as Iterable<number>)
      lengths.push(copy.length)
      return copy
    })
    try {
      kernels.attend(block)
    } finally {
      from.mockRestore()
    }
    expect(lengths).toEqual([4096 * dv])
  })
})
