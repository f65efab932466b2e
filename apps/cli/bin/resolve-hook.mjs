// Where Node has no synchronous hooks (before 22.15): see src/own-packages.ts.
let parents = []

export function initialize(data) {
  parents = data
}

/** Resolves a package of this project that the asking module lacks as one of the parents would. */
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context)
  } catch (error) {
    if (!specifier.startsWith('@sublinear/')) throw error
    for (const parentURL of parents) {
      try {
        return await next(specifier, { ...context, parentURL })
      } catch {
        // the next parent may have it
      }
    }
    throw error
  }
}
