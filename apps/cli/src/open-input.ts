import { openRows, type Rows } from '@sublinear/io/node'

/** Path and tensor of `file.npy`, `file.npy[layer,head]`, `file.safetensors:tensor` or `file.safetensors:tensor[layer,head]`. */
export function addressOf(text: string): { readonly path: string; readonly tensor?: string } {
  const [, file, tensor, index = ''] = /^(.*\.safetensors):(.+?)(\[[\d, ]*\])?$/s.exec(text) ?? []
  return file === undefined || tensor === undefined ? { path: text } : { path: `${file}${index}`, tensor }
}

function openInput(text: string): Promise<Rows> {
  const { path, ...options } = addressOf(text)
  return openRows(path, options)
}

/** Opens several inputs, hands them to `use`, and closes them in every case. */
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
