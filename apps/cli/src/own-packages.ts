import nodeModule from 'node:module' // imported as a whole: older versions lack registerHooks, and a named import would fail there
import { pathToFileURL } from 'node:url'

let isDone = false

/**
 * Lets every module that this thread loads from now on import `@sublinear/…`, also where no such package is installed: what its own folder does not
 * resolve is resolved as this command would.
 */
export function lendPackages(): void {
  if (isDone) return
  isDone = true
  const parents = [import.meta.url, ...faceUrl()]
  if (typeof nodeModule.registerHooks !== 'function') {
    nodeModule.register(new URL('../bin/resolve-hook.mjs', import.meta.url), { data: parents })
    return
  }
  nodeModule.registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context)
      } catch (error) {
        if (!specifier.startsWith('@sublinear/')) throw error
        for (const parentURL of parents) {
          try {
            return next(specifier, { ...context, parentURL })
          } catch {
            // the next one may have it
          }
        }
        throw error
      }
    },
  })
}

/** The address of @sublinear/attention, which depends on all the others. */
function faceUrl(): string[] {
  try {
    return [pathToFileURL(nodeModule.createRequire(import.meta.url).resolve('@sublinear/attention')).href]
  } catch {
    return []
  }
}
