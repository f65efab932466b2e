/**
 * Largest entries of keys and of values that push accepts, since tokens that leave a store are pushed on. 2^50 and 2^64, as literals that a bundler can leave
 * out.
 */
export const MOST_KEY = 1_125_899_906_842_624
export const MOST_VALUE = 18_446_744_073_709_552_000
