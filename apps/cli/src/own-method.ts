import { boardMethod, isMethod, type BoardMethodOptions } from '@sublinear/board'
import type { Method } from '@sublinear/core'
import { basename, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { lendPackages } from './own-packages'

/**
 * Loads a user's own method from a module. Its default export is a `Method`, or a function (shape, budgetBytes, tokens, pilot) => stream, which then has the
 * name of the file; beside a function, `export const learns = true` says that it learns from queries ('pilot': from a pilot).
 *
 * @throws Error when the module cannot be loaded on this Node, or exports neither
 */
export async function ownMethod(path: string): Promise<Method> {
  const isTyped = ['.ts', '.mts', '.cts'].includes(extname(path))
  if (isTyped && !stripsTypes())
    throw new Error(
      `--stream ${path}: TypeScript needs Node 22.18 or newer, which strips types; this is ${process.version}: give a .js or .mjs file`,
    )
  const module = await load(path)
  const own: unknown = module['default']
  if (isMethod(own)) return own
  if (typeof own !== 'function')
    throw new TypeError(
      `--stream ${path}: must export a method or a function as default, got ${own === null ? 'null' : typeof own}`,
    )
  const make = own as BoardMethodOptions['make']
  return boardMethod({ name: basename(path, extname(path)), make, learns: learnsOf(path, module['learns']) })
}

/** Reads `export const learns` of a user's module. */
function learnsOf(path: string, learns: unknown): Method['learns'] {
  if (learns === undefined || learns === false) return 'nothing'
  if (learns === true) return 'queries'
  const known = (['nothing', 'queries', 'pilot'] as const).find((one) => one === learns)
  if (known) return known
  throw new TypeError(`--stream ${path}: learns must be true, false, 'queries' or 'pilot', got ${String(learns)}`)
}

function stripsTypes(): boolean {
  return Boolean((process.features as { readonly typescript?: unknown }).typescript)
}

async function load(path: string): Promise<Record<string, unknown>> {
  lendPackages()
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>
  } catch (error) {
    throw new Error(`--stream ${path}: cannot be loaded: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}
