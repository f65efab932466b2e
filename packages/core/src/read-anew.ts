const READ = Symbol('read')

type Readings<T, N extends keyof T> = { readonly [Name in N]-?: () => T[Name] }

/**
 * Makes a maker of objects with properties N that are read anew each time: as getters, which all of its objects share. With a getter in a literal every object
 * would have a hidden class of its own, which takes a microsecond to make and keeps a dropped object from early collection.
 *
 * @returns a function of the readings, one for each of N, and the other members
 */
export function readAnew<T extends object, N extends keyof T & string>(): (
  readings: Readings<T, N>,
  members: Omit<T, N>,
) => T {
  let own: ReturnType<typeof reading> | undefined
  return (readings, members) => Object.assign(new (own ??= reading(Object.keys(readings)))(readings), members) as T
}

/** Makes the class of objects with these properties; the functions stand under a symbol, so that proxies of an object work. */
function reading(names: readonly string[]) {
  class Read {
    readonly [READ]: Readonly<Record<string, () => unknown>>

    constructor(readings: Readonly<Record<string, () => unknown>>) {
      this[READ] = readings
    }
  }
  for (const name of names) {
    const get = function (this: Read) {
      return this[READ][name]()
    }
    Object.defineProperty(Read.prototype, name, { get })
  }
  return Read
}
