const READ = Symbol('read')

type Readings<T, N extends keyof T> = { readonly [Name in N]-?: () => T[Name] }

/** Properties that are read anew each time, by functions under a symbol: so proxies of the object work. */
class Read {
  readonly [READ]: Readonly<Record<string, () => unknown>>

  constructor(readings: Readonly<Record<string, () => unknown>>) {
    this[READ] = readings
  }
}

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
  let own: typeof Read | undefined
  return (readings, members) => Object.assign(new (own ??= reading(Object.keys(readings)))(readings), members) as T
}

function reading(names: readonly string[]): typeof Read {
  const own = class extends Read {}
  for (const name of names) {
    const get = function (this: Read) {
      return this[READ][name]()
    }
    Object.defineProperty(own.prototype, name, { get, enumerable: true })
  }
  return own
}
