export { philox } from '@sublinear/kernels'

/** The seed's two key words, lowest first. */
export function seedWords(seed: bigint): [number, number] {
  return [Number(seed & 0xffffffffn), Number(seed >> 32n)]
}
