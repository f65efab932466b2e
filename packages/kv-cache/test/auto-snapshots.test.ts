// Snapshots of auto streams whose tiers are not those of their stack. Kills: a tier that holds more, waits longer or chooses otherwise than its stack says.
import { decodeSnapshot, encodeSnapshot } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { meanMethod } from '@sublinear/streaming-attention'
import { describe, expect, it } from 'vitest'
import { autoStream, farKeysMethod, h2oMethod, restoreAutoStream, windowMethod } from '../src'
import { openPart } from './open-part'

const methods = [farKeysMethod, h2oMethod, windowMethod, meanMethod]
const open = openPart(taylorFeatures({ d: 3, degree: 1, scale: 0.5 }))
const kept = [{ by: 'h2o', share: 1, keyBits: 5, valueBits: 4 }]
const stream = autoStream(
  { d: 3, dv: 2, scale: 0.5, budgetBytes: 4000, tokens: 500, stack: { window: 3, kept, rest: 'none' } },
  methods,
)
stream.step({ keys: random(300, 3, 1), values: random(300, 2, 2) }, random(300, 3, 3))
const { tensors, ...snapshot } = decodeSnapshot(stream.toBytes())

interface Nested {
  readonly parameters: Readonly<Record<string, string>>
}

/** The snapshot with other parameters in one of the tiers. */
function changed(part: number, change: (own: Readonly<Record<string, string>>) => object): Uint8Array {
  const tiers = JSON.parse(snapshot.parameters['tiers']) as Nested
  const own = JSON.parse(tiers.parameters[`part-${part}`]) as Nested
  const other = JSON.stringify({ ...own, parameters: { ...own.parameters, ...change(own.parameters) } })
  const parameters = {
    ...snapshot.parameters,
    tiers: JSON.stringify({ ...tiers, parameters: { ...tiers.parameters, [`part-${part}`]: other } }),
  }
  return encodeSnapshot({ ...snapshot, parameters, tensors: Object.fromEntries(tensors) })
}

describe('a snapshot', () => {
  it.each<[string, number, (own: Readonly<Record<string, string>>) => object]>([
    ['a window of another length', 0, (own) => ({ count: String(Number(own['count']) + 1) })],
    [
      'tokens that stay for being recent',
      1,
      (own) => ({ options: JSON.stringify({ count: Number(own['count']), recent: 1 }) }),
    ],
    ['another buffer', 1, () => ({ buffer: '63' })],
  ])('with %s is refused', (_, part, change) => {
    expect(() => restoreAutoStream(changed(part, change), open, methods)).toThrow(RangeError)
  })

  it.each<[string, object]>([
    ['auto: stack must have window, kept and rest', { stack: 7 }],
    ['auto: stack must have window, kept and rest', { stack: null }],
    [
      'auto: stack.window must be an integer from 0 to 2147483647, got -1',
      { stack: { window: -1, kept, rest: 'none' } },
    ],
    ['auto: stack.rest must be one of', { stack: { window: 3, kept, rest: 'x' } }],
    ['auto: chosen must have window, kept and rest', { learning: { tokens: 64, bits: 8 }, tokens: 500, chosen: 7 }],
    ['auto: budgetBytes must be an integer', { budgetBytes: 1.5 }],
    ['auto: the tiers of the snapshot must be those of its stack within 100 bytes', { budgetBytes: 100 }],
    ['auto: ', { weighted: 'x' }],
    ['auto: ', { chosen: { window: 3, kept, rest: 'none' } }],
  ])('whose limits are others is refused: %s', (message, change) => {
    const limits = { ...(JSON.parse(snapshot.parameters['limits']) as object), ...change }
    const parameters = { ...snapshot.parameters, limits: JSON.stringify(limits) }
    const bytes = encodeSnapshot({ ...snapshot, parameters, tensors: Object.fromEntries(tensors) })
    expect(() => restoreAutoStream(bytes, open, methods)).toThrow(RangeError)
    expect(() => restoreAutoStream(bytes, open, methods)).toThrow(message)
  })

  it.each(['', 'x', '7', 'null', '[]'])('whose limits are no JSON of any is refused: %s', (limits) => {
    const bytes = encodeSnapshot({ ...snapshot, parameters: { ...snapshot.parameters, limits }, tensors: Object.fromEntries(tensors) }) // prettier-ignore
    expect(() => restoreAutoStream(bytes, open, methods)).toThrow(RangeError)
    expect(() => restoreAutoStream(bytes, open, methods)).toThrow(/^auto: /)
  })

  it('that fits is taken', () => {
    const same = restoreAutoStream(
      changed(1, () => ({})),
      open,
      methods,
    )
    expect(same.toBytes()).toEqual(stream.toBytes())
  })
})
