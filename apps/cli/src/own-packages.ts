import { createRequire, register, registerHooks } from 'node:module'
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
  if (typeof registerHooks !== 'function') {
    register(new URL('../bin/resolve-hook.mjs', import.meta.url), { data: parents })
    return
  }
  registerHooks({
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

/** The file of @sublinear/attention, which depends on all the others. */
function faceUrl(): string[] {
  try {
    return [pathToFileURL(createRequire(import.meta.url).resolve('@sublinear/attention')).href]
  } catch {
    return []
  }
}
