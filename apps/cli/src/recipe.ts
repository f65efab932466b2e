import { catalogue } from '@sublinear/attention'
import type { Method } from '@sublinear/core'
import { readFileSync } from 'node:fs'
import type { Sizing } from './sizing'

const FLAG = { softcap: 'softcap', sinkLogit: 'sink' } as const

/**
 * Reads method and options from a file that `plan --json` printed, or from any `{ method, options }`.
 *
 * @throws RangeError when there is no such file, it is no recipe, or a recipe for a head of another shape
 */
export function readRecipe(path: string): { readonly method: Method; readonly sizeOf: Sizing } {
  const wrong = (what: string, cause?: unknown) => new RangeError(`--recipe ${path}: ${what}`, { cause })
  const { method: name, options, ...others } = parsed(path, wrong)
  if (typeof name !== 'string' || typeof options !== 'object' || options === null)
    throw wrong('is not a recipe: it needs a method and options, as plan --json prints them')
  const method = catalogue.find((one) => one.name === name)
  if (!method)
    throw wrong(
      name === 'onePass'
        ? 'is for keys and values that come apart, which attend cannot read: plan without --apart'
        : `no method is called ${JSON.stringify(name)}`,
    )
  const sizeOf: Sizing = (shape) => {
    for (const width of ['d', 'dv'] as const)
      if (others[width] !== undefined && others[width] !== shape[width])
        throw wrong(`is for ${width} = ${String(others[width])}, the files have ${shape[width]}`)
    for (const name of ['softcap', 'sinkLogit'] as const)
      if (others[name] !== undefined && JSON.stringify(others[name]) !== JSON.stringify(shape[name]))
        throw wrong(`is for ${name} = ${JSON.stringify(others[name])}: give it by --${FLAG[name]}`)
    return { options, details: {} }
  }
  return { method, sizeOf }
}

function parsed(path: string, wrong: (what: string, cause?: unknown) => Error): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw wrong('cannot be read', error)
  }
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch (error) {
    throw wrong('is no JSON', error)
  }
}
