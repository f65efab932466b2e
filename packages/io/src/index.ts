export {
  decodeTensors,
  encodeTensors,
  type DecodedTensors,
  type Dtype,
  type OtherDtype,
  type Tensor,
} from '@sublinear/core'
export { decodeNpy, encodeNpy, type NpyArray } from './npy'
export type { NpyOptions } from './npy-header'
export type { Element, ElementData } from './elements'
export { decodeNpz } from './npz'
export type { OpenRowsOptions, Rows } from './file-rows'
export { blobArrays, blobShape, openBlobRows, type BlobLike, type BlobRowsOptions } from './blob-rows'
