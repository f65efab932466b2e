import { catalogue } from '@sublinear/attention'
import type { AttentionStream, Method, Shape, TierMethod, TierSpec } from '@sublinear/core'

/** Methods of the catalogue, in the order of the names. @throws RangeError where it has none of a name */
export function methodsNamed(...names: readonly string[]): Method[] {
  return names.map((name) => {
    const found = catalogue.find((method) => method.name === name)
    if (!found) throw new RangeError(`evidence: the catalogue has no method called ${name}`)
    return found
  })
}

/** A stream of a method of the catalogue, with the options of its record. @throws RangeError where it has none of the name */
export const streamOf =
  (name: string, options: object = {}) =>
  (shape: Shape): AttentionStream & Disposable =>
    methodsNamed(name)[0].make(shape, options)

/**
 * A tier of a method of the catalogue, for questions about a stack that no method is.
 *
 * @throws RangeError where it has none of the name, or one whose streams stand alone
 */
export function tierOf(name: string, options: object): TierSpec {
  const [method] = methodsNamed(name)
  if (!('tier' in method)) throw new RangeError(`evidence: ${name} is no tier`)
  return (method as TierMethod).tier(options)
}
