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

/** Old distances count for half after so many tokens. */
const FADING = [100_000, 50_000, 25_000]
const fading = (one: Stack): Stack[] => FADING.map((halvedAfter) => ({ ...one, halvedAfter }))

/** Far keys that fade, of which a crowd counts for less. */
const CROWD = { halvedAfter: 100_000, crowd: 0.4 }

/** Bytes a head, and the stacks that were tried in so many, on as many tokens as are judged. */
export const CANDIDATES: Readonly<Record<number, readonly Stack[]>> = {
  128_000: [of(1536, 192, CROWD), of(1536, 128, CROWD), of(1536, 128), ...fading(of(1536, 128))],
  64_000: [of(640, 128, CROWD), of(640, 128), ...fading(of(640, 128))],
  32_000: [few(512, 128), ...fading(few(512, 128)).slice(0, 2), few(576, 64)],
  16_000: [
    few(192, 96, { buffer: 16 }),
    ...fading(few(192, 96, { buffer: 16 })).slice(0, 2),
    few(256, 32, { buffer: 16 }),
  ],
}
