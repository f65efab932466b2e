// Random matrices by hashes and counters, and what adds their products up.
export { expandSigns } from './signs'
export { affineWords } from './affine-words'
export { polynomials } from './polynomials'
export { scatterAdd } from './scatter'
export { normalColumns } from './normal-columns'
export { cubicEntries } from './cubic-entries'
export { signedRows, hadamard, walshRows } from './hadamard'
