import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

declare const __filename: string | undefined

/** Address of a program beside this one in the built package; from the sources, of the one that was built last. */
export function builtProgram(name: string): URL {
  const here = typeof __filename === 'string' ? pathToFileURL(__filename).href : import.meta.url
  const built = new URL(`./${name}.js`, here)
  return existsSync(fileURLToPath(built)) ? built : new URL(`../dist/${name}.js`, here)
}
