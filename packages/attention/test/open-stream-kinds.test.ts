// openStream over a stream of each kind, and over hostile snapshots. Kills: snapshots that restore another kind or nothing.
import { describe, expect, it } from 'vitest'
import { decodeSnapshot, encodeSnapshot } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { catalogue, layer, openStream } from '../src'
import { altered } from './altered-snapshot'
import { d, dv, makers } from './streams-by-kind'

const ofKind = (kind: string) => encodeSnapshot({ kind, version: '2', parameters: {}, tensors: {} })

const made = (kind: string, change: Readonly<Record<string, string | undefined>>) =>
  altered(makers[kind]().toBytes(), change)

describe('openStream', () => {
  it.each(Object.entries(makers))('brings back a stream of kind %s, bit for bit', (_, make) => {
    const stream = make()
    stream.push({ keys: random(150, d, 1), values: random(150, dv, 2), weights: new Float32Array(150).fill(2) })
    const copy = openStream(stream.toBytes())
    expect(copy.toBytes()).toEqual(stream.toBytes())
    expect(copy.attend(random(5, d, 3))).toEqual(stream.attend(random(5, d, 3)))
    if (copy.merging !== 'none') copy.merge(stream)
    expect(copy.tokens).toBe(copy.merging === 'none' ? 150 : 300)
  })

  it('refuses what it does not know, and what is hostile', () => {
    const none = (kind: string) =>
      made(
        kind,
        Object.fromEntries(
          Object.keys(decodeSnapshot(makers[kind]().toBytes()).parameters).map((name) => [name, undefined]),
        ),
      )
    const hostile = [
      ofKind('nothing'),
      ofKind('constructor'),
      ofKind('__proto__'),
      none('exact'),
      none('feature'),
      none('tiers'),
      made('feature', { features: '{"kind":"taylor","d":67108863,"degree":1,"scale":1}' }),
      made('feature', { features: '{"kind":"other"}' }),
      made('closure', { d: '67108863' }),
      made('tiers', { 'part-0': '{"kind":"tiers","version":"2","parameters":{}}' }),
      layer({ queryHeads: 1, kvHeads: 1, make: makers['exact'] }).toBytes(),
      new Uint8Array(0),
      new Uint8Array(1000),
    ]
    for (const bytes of hostile) {
      expect(() => openStream(bytes)).toThrow(RangeError)
      expect(() => openStream(bytes)).not.toThrow('version') // it is not the version that is refused
    }
    expect(openStream(made('window', { d: String(2 ** 40) })).tokens).toBe(0) // allocates nothing before a token comes
    expect(() => openStream(ofKind('constructor'))).toThrow(
      `openStream: no stream of kind "constructor", known: ${catalogue.map(({ name }) => name).join(', ')}, tiers, feature`,
    )
    for (const bytes of [undefined, 'text', [1]]) expect(() => openStream(bytes as never)).toThrow(TypeError)
  })
})
