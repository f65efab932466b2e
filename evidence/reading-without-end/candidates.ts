import type { Bits, Stack } from './stacks.ts'

const FEW: Bits = [6, 4]
const EIGHT: Bits = [8, 8]

const of = (window: number, far: number, most: number, rest: Partial<Stack> = {}): Stack => ({
  window,
  sinks: 4,
  far,
  farBits: FEW,
  nearBits: EIGHT,
  clamp: window,
  most,
  buffer: 64,
  ...rest,
})
/** Candidate that holds 6 and 4 bits throughout, with 32 tokens waiting. */
const few = (window: number, far: number, most: number, rest: Partial<Stack> = {}) =>
  of(window, far, most, { nearBits: FEW, buffer: 32, ...rest })
const floats: Stack = { window: 256, sinks: 4, far: 128, clamp: 256, most: 1000, buffer: 64 }

/** Bytes a head, and the stacks that were tried in so many. */
export const CANDIDATES: Readonly<Record<number, readonly Stack[]>> = {
  128_000: [floats, of(1024, 512, 1000), of(1280, 128, 1000), of(1280, 128, 1000, { clamp: 256 }), of(1536, 128, 0)],
  64_000: [of(512, 128, 1000), of(640, 128, 0)],
}

/** Stacks that were not searched: as long a window as fits in fewer bits. */
export const UNSEARCHED: Readonly<Record<number, Stack>> = {
  32_000: few(512, 128, 0),
  16_000: few(192, 96, 0, { buffer: 16 }),
}
