import { createRequire } from 'node:module'

/** The path of a model or a text of `@sublinear/models`. */
export function modelFile(name: string): string {
  return createRequire(import.meta.url).resolve(`@sublinear/models/dist/${name}`)
}
