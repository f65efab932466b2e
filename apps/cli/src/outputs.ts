import { constants, type Stats } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { addressOf } from './open-input'

/** A file that a command will write, and the option that names it. */
export interface Output {
  readonly flag: string
  readonly path: string
}

/**
 * Refuses, before any work is done, outputs that would destroy something: one of the inputs (also through another link to it), another output, a
 * directory, a device or a FIFO; and outputs whose folder cannot be written to.
 *
 * @param inputs  files as commands name them, with tensors and indices; names that are no files are ignored
 */
export async function refuseOutputs(outputs: readonly Output[], inputs: readonly string[]): Promise<void> {
  const taken: { readonly what: string; readonly path: string; readonly info?: Stats }[] = []
  const models: string[] = [] // folders, of which any .safetensors file may be read
  for (const input of inputs)
    for (const path of pathsOf(input)) {
      const info = await found(path)
      if (info) taken.push({ what: `one of the inputs, ${input}`, path, info })
      if (info?.isDirectory() || path.endsWith('.safetensors.index.json'))
        models.push(info?.isDirectory() ? path : dirname(path))
    }
  for (const { flag, path } of outputs) {
    const wrong = (what: string, cause?: unknown) => new RangeError(`${flag} ${path}: ${what}`, { cause })
    if (path === '') throw wrong('must name a file')
    const info = await found(path)
    const same = taken.find((one) => (info && one.info ? isSame(info, one.info) : resolve(path) === resolve(one.path)))
    if (same) throw wrong(`is ${same.what}`)
    if (path.endsWith('.safetensors') && models.some((folder) => resolve(folder) === resolve(dirname(path))))
      throw wrong('is a file of a model that is one of the inputs')
    if (info && !info.isFile()) throw wrong(`is ${kindOf(info)}, not a file that can be replaced`)
    await access(dirname(path), constants.W_OK).catch((cause: unknown) => {
      throw wrong('its folder cannot be written to', cause)
    })
    taken.push({ what: `also what ${flag} names`, path, ...(info && { info }) })
  }
}

/** The files that a text such as `x.safetensors:tensor[0,1]` may stand for. */
function pathsOf(text: string): string[] {
  const { path } = addressOf(text)
  return [...new Set([text, path, path.replace(/\[[^[\]]*\]$/, '')])]
}

const found = (path: string): Promise<Stats | undefined> => stat(path).catch(() => undefined)

const isSame = (a: Stats, b: Stats) => a.dev === b.dev && a.ino === b.ino

function kindOf(info: Stats): string {
  return info.isDirectory() ? 'a directory' : info.isFIFO() ? 'a FIFO' : info.isSocket() ? 'a socket' : 'a device'
}
