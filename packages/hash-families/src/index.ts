export { bucketHash, type BucketHash } from './bucket-hash'
export { fourWiseSigns, type FourWiseSigns } from './four-wise-signs'
export { polynomialHash, type PolynomialHash, type Prime } from './polynomial-hash'
export { tabulationHash, type TabulationHash } from './tabulation-hash'
