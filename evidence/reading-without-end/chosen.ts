import { CANDIDATES } from './candidates.ts'
import type { Stack } from './stacks.ts'

/** Stacks that the search chose, by bytes a head: of the candidates the one whose largest excess of bits per byte, over both models and lengths, is least. */
export const CHOSEN: Readonly<Record<number, Stack>> = {
  16_000: CANDIDATES[16_000][0],
  32_000: CANDIDATES[32_000][0],
  64_000: CANDIDATES[64_000][1],
  128_000: CANDIDATES[128_000][1],
}
