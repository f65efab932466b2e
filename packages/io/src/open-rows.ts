import { exactReads, fileSize, openAddressed } from './addressed-file'
import { about, checkWidth, fileRows, type OpenRowsOptions, type Rows } from './file-rows'
import { nodeInflate } from './node-inflate'
import { type RowLayout, rowLayout } from './row-layout'
import { shardOf } from './shards'

/**
 * Opens the rows of a matrix in a .npy, .npz or .safetensors file of any size, as float32 blocks.
 *
 * A folder, or its `model.safetensors.index.json`, stands for a model in several files, one of which has the tensor.
 *
 * One matrix of an array with more axes is addressed as `kv.npy[layer,head]`, unless a file of just that name exists. One axis
 * is read as n × 1. float16, bfloat16, booleans and integers of up to 16 bits are exact; all other numbers are rounded to the
 * nearest float32.
 *
 * Cost: the header, then buffers of about 1 MiB (or a few rows, where one is longer) and the block itself.
 *
 * @throws Error when the file cannot be opened; TypeError, RangeError when it is malformed or does not hold such a matrix.
 * blocks() throws when the file shrinks, and for entries that are not finite, with row and column
 */
export async function openRows(path: string, options: OpenRowsOptions = {}): Promise<Rows> {
  if (typeof path !== 'string') throw new TypeError(`openRows: path must be a string, got ${typeof path}`)
  const { handle, name, index } = await openAddressed('openRows', await shardOf('openRows', path, options.tensor))
  let closed = false
  const fill = exactReads(handle, name, () => closed)
  let layout: RowLayout
  try {
    const size = await fileSize(handle)
    layout = await rowLayout({ name, size, fill, inflate: nodeInflate }, options, index)
    checkWidth(layout)
  } catch (error) {
    await handle.close()
    throw about('openRows', name, error)
  }
  return fileRows('openRows', name, layout, options, async () => {
    if (closed) return
    closed = true
    await handle.close()
  })
}
