import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

declare const __filename: string | undefined

/** The address of a program beside this one in the built package; where this file is run from source, of the last build. */
export function builtProgram(name: string): URL {
  const here = typeof __filename === 'string' ? pathToFileURL(__filename).href : import.meta.url
  const built = new URL(`./${name}.js`, here)
  return existsSync(fileURLToPath(built)) ? built : new URL(`../dist/${name}.js`, here)
}
