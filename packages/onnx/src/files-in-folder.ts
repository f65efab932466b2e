import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs'
import { dirname, basename, join, relative, isAbsolute, sep } from 'node:path'
import { checkLocation, type ModelFiles } from './model-files'

/**
 * Opens the model in a file, and the data files in its folder; for Node.
 *
 * Cost: only bytes that are asked for are read; onnxruntime maps the weights from the same files.
 *
 * @param path  path of the .onnx file
 * @throws RangeError when there is no such file; files outside the folder are refused when they are asked for, also behind symbolic links,
 *   as onnxruntime refuses them
 */
export function filesInFolder(path: string): ModelFiles {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw new RangeError(`onnx: there is no file ${path}`)
  const real = realpathSync(path)
  const folder = dirname(real)
  const known = new Map<string, string>() // every weight asks for its file
  const fileOf = (file: string): string | undefined => {
    const before = known.get(file)
    if (before !== undefined) return before
    checkLocation('onnx', file)
    const found = join(folder, file)
    if (!statSync(found, { throwIfNoEntry: false })?.isFile()) return undefined
    const inside = relative(folder, realpathSync(found))
    if (isAbsolute(inside) || inside.split(sep)[0] === '..')
      throw new RangeError(`onnx: data must lie beside the model, but ${file} leads out of its folder`)
    known.set(file, found)
    return found
  }
  return {
    model: basename(real),
    folder,
    size(file) {
      const found = fileOf(file)
      return found === undefined ? undefined : statSync(found).size
    },
    changed(file) {
      const found = fileOf(file)
      return found === undefined ? undefined : statSync(found).mtimeMs
    },
    read(file, from, to) {
      const found = fileOf(file)
      if (found === undefined) throw new RangeError(`onnx: there is no file ${file}`)
      const out = new Uint8Array(to - from)
      const handle = openSync(found, 'r')
      try {
        for (let at = 0; at < out.length;) {
          const count = readSync(handle, out, at, out.length - at, from + at)
          if (count === 0) throw new RangeError(`onnx: ${file} ends at byte ${from + at}: the file is cut`)
          at += count
        }
      } finally {
        closeSync(handle)
      }
      return out
    },
  }
}
