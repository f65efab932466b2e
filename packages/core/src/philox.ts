export { philox } from '@sublinear/kernels'

/** The two words of the key that Philox takes from a seed, the lower first. */
export function seedWords(seed: bigint): [number, number] {
  return [Number(seed & 0xffffffffn), Number(seed >> 32n)]
}
