import { type ArrayShape, type Rows, arrayShape, openRows } from '@sublinear/io/node'
import { columnRows } from './columns/column-rows'
import { openColumn } from './columns/open-column'

/** Address of an input: a file or a folder of them, the array in it, and whether `<V2` is bfloat16. */
export interface Address {
  readonly path: string
  readonly tensor?: string
  readonly bfloat16?: true
}

const HOLDERS = String.raw`.*?(?:\.safetensors|\.safetensors\.index\.json|\.npz|\.parquet|\.arrows?|\.feather|\.ipc|[/\\])`

/**
 * Parses the address of an input: `file.npy`, `file.safetensors:tensor`, `file.npz:key`, `file.parquet:column`, `file.arrow:column`, `model/:tensor`
 * or `model.safetensors.index.json:tensor`, each with or
 * without `[layer,head]` behind it, and with `:bfloat16` before that where a .npy or .npz has the type `<V2`.
 */
export function addressOf(text: string): Address {
  const [, whole = text, index = ''] = /^(.*?)(\[[\d, ]*\])?$/s.exec(text) ?? []
  const [, untyped, type] = /^(.*\.np[yz](?:|:.+)):(bfloat16)$/s.exec(whole) ?? []
  const typed = type === undefined ? {} : ({ bfloat16: true } as const)
  const [, file, tensor] = new RegExp(`^(${HOLDERS}):(.+)$`, 's').exec(untyped ?? whole) ?? []
  if (file !== undefined && tensor !== undefined) return { path: `${file}${index}`, tensor, ...typed }
  return untyped === undefined ? { path: text } : { path: `${untyped}${index}`, ...typed }
}

async function openInput(text: string): Promise<Rows> {
  const { path, ...options } = addressOf(text)
  const column = await openColumn(path, options.tensor)
  if (column !== undefined) return columnRows(column)
  return openRows(path, options).catch((error: unknown) => {
    throw plainly(error)
  })
}

/** Reads all axes of the array that an input names, and the indices in its brackets. */
export async function axesOf(text: string): Promise<ArrayShape> {
  const { path, ...options } = addressOf(text)
  const column = await openColumn(path, options.tensor)
  if (column !== undefined) return { shape: [column.rows, column.cols], index: [] }
  return arrayShape(path, options).catch((error: unknown) => {
    throw plainly(error)
  })
}

/** Makes an error of a file plain, without the name of the function that found it: `q.npy is not a .npy file (…)`. */
export function plainly(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const plain = /^(?:openRows|arrayShape|writeRows|writeWhole): (.*)$/s.exec(error.message)?.[1]
  if (plain === undefined) return error
  return new Error(plain.replace(/^(.*?): (?=(?:is|holds) )/s, '$1 '), { cause: error })
}

/** Writes a count with its noun: 1 column, 2 columns. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Describes the rows of a file for an error: a 1-D array is called one. */
export function widthText(name: string, { cols, shape }: Pick<Rows, 'cols' | 'shape'>): string {
  const flat = shape.length === 1 ? ` (a 1-D array: its ${shape[0]} numbers are rows of one column)` : ''
  return `${name} have ${counted(cols, 'column')}${flat}`
}

/** Opens several inputs, gives them to `use`, and closes them in every case. */
export async function withInputs<T, N extends readonly string[]>(
  texts: N,
  use: (...files: { [I in keyof N]: Rows }) => Promise<T>,
): Promise<T> {
  const files: Rows[] = []
  try {
    for (const text of texts) files.push(await openInput(text))
    return await use(...(files as { [I in keyof N]: Rows }))
  } finally {
    await Promise.all(files.map((file) => file.close()))
  }
}
