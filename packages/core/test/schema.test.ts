// Schemas read snapshots, and say what they read. Kills: a range without its ends, an entry that is not looked at, a length that is not compared, a seed or an absent
// number read as another, a rule that is not asked, a sound state that is looked at, a page that says another range than is read.
import { describe, expect, it } from 'vitest'
import { headIn, nestedIn, nestedSnapshot, readBy, schema, schemaText, encodeSnapshot, type State } from '../src'

const own = schema(
  {
    kind: 'own',
    version: '1',
    parameters: {
      count: { whole: true, least: 1, most: 4 },
      share: { least: 0, most: 1, absent: 0.5 },
      seed: 'seed',
      name: 'text',
    },
    tensors: {
      sums: { type: 'F64', size: 'two · d', least: -1, most: 2 },
      codes: { type: ['U8', 'U32'], like: 'sums' },
      more: { type: 'F32', optional: true, size: 'two · d', least: 0 },
    },
  },
  { 'No sum is above `count`.': ({ parameters: { count }, tensors: { sums } }) => sums.every((x) => x <= count) },
)
const parameters = { count: '2', share: '0.25', seed: '18446744073709551615', name: 'a' }
const tensors: State['tensors'] = new Map([
  ['sums', { dtype: 'F64', shape: [2], data: Float64Array.of(-1, 2) }],
  ['codes', { dtype: 'U8', shape: [2], data: Uint8Array.of(0, 255) }],
])
const state = (change: Record<string, string> = {}, other: State['tensors'] = new Map()): State => ({
  kind: 'own',
  version: '1',
  parameters: { ...parameters, ...change },
  tensors: new Map([...tensors, ...other]),
})
const read = (from: State | Uint8Array) => readBy('own', own, from, { 'two · d': 2 })
const sums = (...data: number[]) =>
  new Map([['sums', { dtype: 'F64' as const, shape: [data.length], data: Float64Array.from(data) }]])

const bytes = (kind: string) => encodeSnapshot({ ...state(), kind, tensors: Object.fromEntries(tensors) as never })

describe('readBy', () => {
  it('reads numbers, seeds, texts and arrays, and what is absent', () => {
    const { share: _, ...without } = parameters
    const found = read({ ...state(), parameters: without })
    expect(found.parameters).toEqual({ count: 2, share: 0.5, seed: 2n ** 64n - 1n, name: 'a' })
    expect(found.tensors).toEqual({
      sums: Float64Array.of(-1, 2),
      codes: Uint8Array.of(0, 255),
      more: new Float32Array(0),
    })
    expect(read(state({ share: '1' })).parameters.share).toBe(1)
    expect(read(state({ name: '' })).parameters.name).toBe('')
  })

  it('reads bytes, and refuses those of another kind', () => {
    expect(read(bytes('own')).parameters.count).toBe(2)
    expect(() => read(bytes('other'))).toThrow(RangeError)
  })

  it.each([
    [{ count: '0' }, 'own: count must be an integer from 1 to 4, got 0'],
    [{ count: '5' }, 'own: count must be an integer from 1 to 4, got 5'],
    [{ count: '1.5' }, 'own: count must be an integer from 1 to 4, got 1.5'],
    [{ count: '' }, 'own: count must be an integer from 1 to 4, got '],
    [{ share: '-0.1' }, 'own: share must be a number from 0 to 1, got -0.1'],
    [{ share: 'NaN' }, 'own: share must be a number from 0 to 1, got NaN'],
    [{ seed: '18446744073709551616' }, 'own: seed must be from 0 to 2^64 - 1'],
    [{ seed: '-1' }, 'own: seed must be an integer, got -1'],
    [{ seed: '' }, 'own: seed must be an integer, got '],
    [{ count: '1' }, 'own: the tensors do not fit the parameters: No sum is above `count`.'],
  ])('refuses %o', (change, message) => {
    expect(() => read(state(change))).toThrow(
      expect.objectContaining({ name: 'RangeError', message: expect.stringContaining(message) as string }),
    )
  })

  it.each([
    [sums(-1, 2.5), 'own: sums must be a number from -1 to 2, got 2.5 at entry 1'],
    [sums(-1.5, 2), 'own: sums must be a number from -1 to 2, got -1.5 at entry 0'],
    [sums(NaN, 2), 'own: sums must be a number from -1 to 2, got NaN at entry 0'],
    [sums(1), 'own: sums must have 2 entries, as many as two · d, got 1'],
    [
      new Map([['sums', { dtype: 'F32' as const, shape: [2], data: Float32Array.of(1, 1) }]]),
      'own: sums must be a tensor of F64',
    ],
    [
      new Map([['codes', { dtype: 'U8' as const, shape: [1], data: Uint8Array.of(1) }]]),
      'own: codes must have 2 entries, as many as sums, got 1',
    ],
    [
      new Map([['codes', { dtype: 'I8' as const, shape: [2], data: Int8Array.of(1, 1) }]]),
      'own: codes must be a tensor of U8 or U32',
    ],
    [
      new Map([['more', { dtype: 'F32' as const, shape: [1], data: Float32Array.of(1) }]]),
      'own: more must have 2 entries, as many as two · d, got 1',
    ],
    [
      new Map([['more', { dtype: 'F32' as const, shape: [2], data: Float32Array.of(1, -1) }]]),
      'own: more must be a number >= 0, got -1 at entry 1',
    ],
  ] as [State['tensors'], string][])('refuses the tensor of case %#', (other, message) => {
    expect(() => read(state({}, other))).toThrow(expect.objectContaining({ name: 'RangeError', message }))
  })

  it('looks at no entry and no rule of a state that was never in bytes, but at its lengths', () => {
    expect(read({ ...state({}, sums(5, NaN)), isSound: true }).tensors.sums).toEqual(Float64Array.of(5, NaN))
    expect(() => read({ ...state({}, sums(5)), isSound: true })).toThrow(RangeError)
  })
})

it('schemaText says fields, sizes, ranges and rules', () => {
  expect(schemaText(own)).toBe(
    [
      '| field | what | range |',
      '| --- | --- | --- |',
      '| `count` | parameter | an integer from 1 to 4 |',
      '| `share` | parameter, or absent | a number from 0 to 1 |',
      '| `seed` | parameter | an integer from 0 to 2^64 − 1 |',
      '| `name` | parameter | a text |',
      '| `sums` | F64, two · d | a number from -1 to 2 |',
      '| `codes` | U8 or U32, as many as `sums` | a number from -2^53 + 1 to 2^53 - 1 |',
      '| `more` | F32, two · d, or absent | a number >= 0 |',
      '',
      '- No sum is above `count`.',
    ].join('\n'),
  )
  expect(schemaText({ fields: {}, rules: {} })).toBe('| field | what | range |\n| --- | --- | --- |')
})

it.each(['[]', 'null', '5', '"softcap"', '{}', '{"other":1}', '{"softcap":5,"other":1}', '{"softcap": 5}'])(
  'a head of %s is refused',
  (head) => {
    expect(() => headIn('own', { parameters: { head } })).toThrow(
      'own: the snapshot does not say what its head computes',
    )
  },
)

const outer = (part: string) => ({ kind: 'outer', version: '1', parameters: { part }, tensors: new Map() })

it('a snapshot within another whose description is no such thing is refused', () => {
  const inner = encodeSnapshot({ kind: 'a', version: '1', parameters: { x: '1' }, tensors: {} })
  const { parameters: saved } = nestedIn('part', inner)
  expect(nestedSnapshot(outer(saved['part']), 'part')).toEqual(inner)
  const good = JSON.parse(saved['part']) as object
  for (const change of [
    { kind: 5 },
    { version: null },
    { parameters: { x: 1 } },
    { parameters: null },
    { parameters: 'x' },
  ])
    expect(() => nestedSnapshot(outer(JSON.stringify({ ...good, ...change })), 'part')).toThrow(
      'outer: a part of the snapshot is not described',
    )
  expect(() => nestedSnapshot(outer(saved['part']), 'other')).toThrow('outer: a part of the snapshot is not described')
})
