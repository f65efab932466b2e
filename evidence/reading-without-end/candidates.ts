import type { Bits, Stack } from './stacks.ts'

const FEW: Bits = [6, 4]
const EIGHT: Bits = [8, 8]

const of = (window: number, far: number, rest: Partial<Stack> = {}): Stack => ({
  window,
  sinks: 4,
  far,
  farBits: FEW,
  nearBits: EIGHT,
  clamp: window,
  most: 0,
  buffer: 64,
  ...rest,
})
/** Candidate that holds 6 and 4 bits throughout, with 32 tokens waiting. */
const few = (window: number, far: number, rest: Partial<Stack> = {}) =>
  of(window, far, { nearBits: FEW, buffer: 32, ...rest })

/** Old distances count for half after so many tokens, and a crowd of far keys counts for n^crowd: the first remember old keys best. */
const FADING: readonly Pick<Stack, 'halvedAfter' | 'crowd'>[] = [
  {},
  { halvedAfter: 100_000 },
  { halvedAfter: 100_000, crowd: 0.8 },
  { halvedAfter: 100_000, crowd: 0.6 },
  { halvedAfter: 100_000, crowd: 0.4 },
  { halvedAfter: 50_000 },
  { halvedAfter: 25_000 },
]
const fading = (one: Stack): Stack[] => FADING.map((rest) => ({ ...one, ...rest }))
const halved = (one: Stack): Stack[] => [100_000, 50_000].map((halvedAfter) => ({ ...one, halvedAfter }))
/** More far keys, whose crowd counts for less. */
const crowded = (one: Stack): Stack[] => FADING.slice(2, 5).map((rest) => ({ ...one, ...rest }))

/** Bytes a head, and the stacks that were tried in so many, on as many tokens as are judged. */
export const CANDIDATES: Readonly<Record<number, readonly Stack[]>> = {
  128_000: [...fading(of(1536, 128)), ...crowded(of(1536, 192))],
  64_000: fading(of(640, 128)),
  32_000: [few(512, 128), ...halved(few(512, 128)), few(576, 64)],
  16_000: [few(192, 96, { buffer: 16 }), ...halved(few(192, 96, { buffer: 16 })), few(256, 32, { buffer: 16 })],
}
