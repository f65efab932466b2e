import type { BoardStream } from '@sublinear/attention'
import { basename, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * A user's own stream for the board: the default export of a module, (shape, budgetBytes, tokens, pilot) => stream. Its name in the
 * board is the file's; `export const learns = true` where it learns from queries.
 *
 * @throws Error when the module cannot be loaded on this Node, or exports no function
 */
export async function ownStream(path: string): Promise<readonly [name: string, make: BoardStream]> {
  const isTyped = ['.ts', '.mts', '.cts'].includes(extname(path))
  if (isTyped && !stripsTypes())
    throw new Error(
      `--stream ${path}: TypeScript needs Node 22.18 or newer, which strips types; this is ${process.version}: give a .js or .mjs file`,
    )
  const module = await load(path)
  const make: unknown = module['default']
  if (typeof make !== 'function')
    throw new TypeError(
      `--stream ${path}: must export a function as default, got ${make === null ? 'null' : typeof make}`,
    )
  const own: BoardStream = Object.assign((...given: Parameters<BoardStream>) => (make as BoardStream)(...given), {
    learns: module['learns'] === true,
  })
  return [basename(path, extname(path)), own]
}

function stripsTypes(): boolean {
  return Boolean((process.features as { readonly typescript?: unknown }).typescript)
}

async function load(path: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>
  } catch (error) {
    throw new Error(`--stream ${path}: cannot be loaded: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}
