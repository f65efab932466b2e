import { CANDIDATES } from './candidates.ts'
import type { Stack } from './stacks.ts'

/** Stacks that the search chose, by bytes a head: of the candidates whose largest excess of bits per byte, over both models and lengths, is within 0.003 of the least, the first. */
export const CHOSEN: Readonly<Record<number, Stack>> = {
  16_000: CANDIDATES[16_000][2],
  32_000: CANDIDATES[32_000][1],
  64_000: CANDIDATES[64_000][1],
  128_000: CANDIDATES[128_000][1],
}
