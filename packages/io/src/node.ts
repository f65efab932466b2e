export { arrayShape, type ArrayShape } from './array-shape'
export { openRows, type OpenRowsOptions, type Rows } from './open-rows'
export { writeRows, type RowWriter, type WriteRowsOptions } from './write-rows'
export { writeWhole } from './whole-file'
