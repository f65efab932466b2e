import type { Matrix } from '@sublinear/core'
import { openRows } from '@sublinear/io/node'
import { parquetRows } from './parquet-rows'
import type { FileRows } from './plan'

/** Rows of one array, any part of which can be read by itself. */
export interface RangeRows {
  readonly rows: number
  readonly cols: number
  blocks(size: number, first: number, end: number): AsyncGenerator<Matrix, void, undefined>
  close(): Promise<void>
}

/**
 * Opens the rows of a .npy, .npz, .safetensors (or a folder or index of several) or .parquet file.
 *
 * @throws Error when it cannot be opened; TypeError, RangeError when it is malformed
 */
export async function openFileRows(file: FileRows): Promise<RangeRows> {
  const { path, tensor } = typeof file === 'string' ? { path: file, tensor: undefined } : file
  if (path.endsWith('.parquet')) return parquetRows(path, tensor)
  return openRows(path, { tensor })
}
