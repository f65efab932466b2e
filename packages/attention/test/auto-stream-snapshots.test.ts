// Snapshots of streams within a byte budget, honest and hostile. Kills: a snapshot that forgets its budget.
import { decodeSnapshot, encodeSnapshot, matrix, rowsOf } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { autoStream, openStream, type AutoStream } from '../src'
import { shape } from './auto-stacks'

describe('snapshots', () => {
  const stream = autoStream({ ...shape, budgetBytes: 5000, tokens: 900 })
  stream.push({ keys: random(700, 4, 1), values: random(700, 3, 2) })
  const { kind, version, parameters, tensors } = decodeSnapshot(stream.toBytes())
  const made = (limits: unknown) =>
    encodeSnapshot({
      kind,
      version,
      parameters: { ...parameters, limits: typeof limits === 'string' ? limits : JSON.stringify(limits) },
      tensors: Object.fromEntries(tensors),
    })
  const own = JSON.parse(parameters['limits']) as Record<string, unknown>
  it('come back with their budget', () => {
    const back = openStream(stream.toBytes()) as AutoStream
    expect([back.budgetBytes, back.stack, back.bytes]).toEqual([5000, stream.stack, stream.bytes])
    const queries = rowsOf(matrix(1, 4, Float32Array.of(1, 2, 3, 4)), 0, 1)
    expect(back.attend(queries)).toEqual(stream.attend(queries))
  })
  it.each<[string, unknown]>([
    ['no JSON', '{'],
    ['null', 'null'],
    ['a smaller budget', { ...own, budgetBytes: stream.bytes - 1 }],
    ['no budget', { ...own, budgetBytes: undefined }],
    ['a list', []],
    ['a stack that is a number', { ...own, stack: 3 }],
    ['another stack', { ...own, stack: { window: 0, kept: [], rest: 'none' } }],
    ['a larger budget, whose tiers hold more', { ...own, budgetBytes: 6000 }],
    [
      'other shares',
      { ...own, stack: { ...stream.stack, kept: stream.stack.kept.map((k) => ({ ...k, share: 0.4 })) } },
    ],
    ['another choice', { ...own, chosen: { window: 0, kept: [], rest: 'mean' } }],
    ['a choice that is none', { ...own, chosen: 7 }],
    ['other first tokens', { ...own, learning: { tokens: 65, bits: 4 } }],
    ['weighted no boolean', { ...own, weighted: 1 }],
  ])('%s: refused', (_, limits) => {
    expect(() => openStream(made(limits))).toThrow(RangeError)
  })
  it.each<[string, unknown]>([
    ['another version', { version: '99' }],
    ['no version', { version: 7 }],
    ['another kind', { kind: 'farClosure' }],
    ['no parameters', { parameters: null }],
  ])('%s inside: refused', (_, change) => {
    const tiers = JSON.stringify({ ...(JSON.parse(parameters['tiers']) as object), ...(change as object) })
    const bytes = encodeSnapshot({
      kind,
      version,
      parameters: { ...parameters, tiers },
      tensors: Object.fromEntries(tensors),
    })
    expect(() => openStream(bytes)).toThrow(RangeError)
  })
  it('of another width than their tensors are refused before anything of that width is made', () => {
    const inner = JSON.parse(parameters['tiers']) as { readonly parameters: Record<string, string> }
    const large = {
      ...parameters,
      tiers: JSON.stringify({ ...inner, parameters: { ...inner.parameters, d: String(3e7) } }),
      limits: JSON.stringify({ ...own, budgetBytes: 2 ** 53 - 1 }),
    }
    const before = process.memoryUsage().arrayBuffers
    expect(() =>
      openStream(encodeSnapshot({ kind, version, parameters: large, tensors: Object.fromEntries(tensors) })),
    ).toThrow(RangeError)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e7)
  })
})
