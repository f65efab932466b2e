import { catalogue } from '@sublinear/attention'
import type { Method } from '@sublinear/core'

/** Methods of the catalogue, in the order of the names. @throws RangeError where it has none of a name */
export function methodsNamed(...names: readonly string[]): Method[] {
  return names.map((name) => {
    const found = catalogue.find((method) => method.name === name)
    if (!found) throw new RangeError(`experiments: the catalogue has no method called ${name}`)
    return found
  })
}
