import { quantised, tiers, type AttentionStream, type Shape } from '@sublinear/attention'
import { window } from '@sublinear/kv-cache'

/** Result of a stream on a head: ‖ô − o‖_F/‖o‖_F, null where nothing fits, and the bytes held. */
export interface Judged {
  readonly error: number | null
  readonly bytes: number
}

const BITS = [8, 7, 6, 5, 4, 3, 2].flatMap((keys) => [7, 6, 5, 4, 3, 2].map((values) => [keys, values] as const))

/** Every token quantised: of the bits of keys and values that fit for so many tokens those that turn out best on the head, with hindsight. */
export function bestBits<Found extends Judged>(
  shape: Shape,
  tokens: number,
  budgetBytes: number,
  judged: (stream: AttentionStream & Disposable) => Found,
): Found | Judged {
  const room = (budgetBytes - 4000) / tokens // a few waiting tokens and the centres
  const sizes = BITS.map(([keys, values]) => ({ keys, values, bytes: (shape.d * keys + shape.dv * values) / 8 + 4 }))
  const fitting = sizes.filter(
    ({ keys, values, bytes }) =>
      bytes <= room &&
      !sizes.some((one) => one.keys >= keys && one.values >= values && one.bytes > bytes && one.bytes <= room),
  )
  let best: Found | undefined
  for (const { keys, values } of fitting) {
    const store = quantised({ keyBits: keys, valueBits: values })
    const found = judged(tiers({ ...shape, parts: [window({ count: tokens, store })], buffer: 8 }))
    if (best === undefined || found.error! < best.error!) best = found
  }
  return best ?? { error: null, bytes: 0 }
}
