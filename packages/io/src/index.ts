export { decodeTensors, encodeTensors, type Dtype, type Tensor } from '@sublinear/core'
export { decodeNpy, encodeNpy, type NpyArray } from './npy'
