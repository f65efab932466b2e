/** Options of which none is missing: like `Required`, for types whose optional properties take `undefined` too. */
export type Given<T> = { readonly [Name in keyof T]-?: Exclude<T[Name], undefined> }

/** Options without those that are `undefined`, which count as not given: for spreading over defaults. */
export function defined<T extends object>(options: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]: Exclude<T[Name], undefined>
  }
}
