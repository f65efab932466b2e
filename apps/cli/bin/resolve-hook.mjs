// Where Node has no synchronous hooks (before 22.15): see src/own-packages.ts.
let parents = []

export function initialize(data) {
  parents = data
}

/** A package of ours that the asking module has not, as one of the parents has it. */
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context)
  } catch (error) {
    if (!specifier.startsWith('@sublinear/')) throw error
    for (const parentURL of parents) {
      try {
        return await next(specifier, { ...context, parentURL })
      } catch {
        // the next one may have it
      }
    }
    throw error
  }
}
