/** The shape of streams in the tests of autoStream. */
export const shape = { d: 4, dv: 3, scale: 0.5 }

/** One selection, and two, for stacks. */
export const one = [{ by: 'farKeys', share: 1, keyBits: 5, valueBits: 3 }]
export const two = [
  { by: 'h2o', share: 0.4, keyBits: 8, valueBits: 6 },
  { by: 'farKeys', share: 0.4, keyBits: 4, valueBits: 2 },
]
