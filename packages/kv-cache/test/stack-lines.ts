import type { Method } from '@sublinear/core'
import { closureMethod, meanMethod } from '@sublinear/streaming-attention'
import {
  clustersMethod,
  entropyCodedMethod,
  farKeysMethod,
  h2oMethod,
  observedAttentionMethod,
  reservoirMethod,
  windowMethod,
  type Stack,
} from '../src'

/** The methods that stacks of these tests name. */
export const methods: readonly Method<any>[] = [
  windowMethod,
  farKeysMethod,
  h2oMethod,
  observedAttentionMethod,
  clustersMethod,
  reservoirMethod,
  entropyCodedMethod,
  meanMethod,
  closureMethod,
]
export const shape = { d: 8, dv: 6, scale: 0.35 }
export const tier = (by: string, share: number, keyBits: number, valueBits: number) => ({
  by,
  share,
  keyBits,
  valueBits,
})
/** The stack of such a line as `told` gives. */
export const stackOf = (text: string): Stack => {
  const [tiers, rest, window = '0'] = text.split(' | ')
  const kept = tiers === '' ? [] : tiers.split(', ').map((one) => {
    const [by, share, keys, values] = one.split(/[ /]/u)
    return tier(by, Number(share), Number(keys), Number(values))
  }) // prettier-ignore
  return { window: Number(window), kept, rest }
}
/** A stack in one line: tiers with shares and bits, the rest, the window where there is one. */
export const told = ({ window, kept, rest }: Stack) =>
  [
    kept.map(({ by, share, keyBits, valueBits }) => `${by} ${Math.round(1000 * share) / 1000} ${keyBits}/${valueBits}`).join(', '),
    rest,
    ...(window > 0 ? [window] : []),
  ].join(' | ') // prettier-ignore
