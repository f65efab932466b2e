import type { Method, Pilot } from '@sublinear/core'
import type { LanguageModel } from './language-model'
import { unrotated, type HeadSpec } from './reader'

/** Advice for one head, as plain JSON: a method's name and its options. */
export interface HeadAdvice {
  readonly method: string
  readonly options: object
}

/** Advice for each head, by layer and head. */
export type ModelAdvice = readonly (readonly HeadAdvice[])[]

export interface HeadStreamsOptions {
  readonly model: Pick<LanguageModel, 'config'>
  readonly method: Method
  /** Bytes that a head may hold, on average over the layers. The method `exact` ignores it. */
  readonly budgetBytes: number
  /** Number of tokens that will be read; Infinity where it is not known. */
  readonly tokens: number
  /** Pilots of every head, layer by layer, as `capture` gives them. */
  readonly pilots?: readonly Pilot[]
}

/**
 * Makes streams of one method for every head of a model, each within a budget.
 *
 * Guarantee: each head gets the options that the method has for its place: seeds differ from head to head, and with pyramidKv sizes differ from layer to layer.
 *
 * @returns the maker of the heads' streams; undefined where a head has no such stream within the budget
 */
export function headStreams({ model, method, budgetBytes, tokens, pilots }: HeadStreamsOptions): HeadSpec | undefined {
  const { layers, heads, d } = model.config
  const shape = { d, dv: d, scale: 1 / Math.sqrt(d) }
  const bytes = method.name === 'exact' ? Infinity : budgetBytes
  const options = Array.from({ length: layers * heads }, (_, i) => {
    const place = { layer: Math.floor(i / heads), layers, head: i % heads, heads }
    return method.within(shape, bytes, { tokens, place }, pilots?.[i])
  })
  if (options.includes(undefined)) return undefined
  return specOf(method, (layer, head) => options[layer * heads + head]!)
}

/** The streams of a method; they get keys before rotation where its positions are its own. */
export function specOf(method: Method, optionsOf: (layer: number, head: number) => object): HeadSpec {
  const spec: HeadSpec = (shape, layer, head) => method.make(shape, optionsOf(layer, head))
  return method.can.includes('positions') ? unrotated(spec) : spec
}

/**
 * Makes streams for heads that each have a method of their own.
 *
 * @param advice  advice by layer and head; methods  methods that it may name
 * @throws TypeError, RangeError when advice is not as many layers of as many heads, names another method, or a method refuses its options
 */
export function advisedStreams(
  { config: { layers, heads, d } }: Pick<LanguageModel, 'config'>,
  advice: ModelAdvice,
  methods: readonly Method[],
): HeadSpec {
  const who = 'advisedStreams'
  const fits = Array.isArray(advice) && advice.length === layers
  if (!fits || advice.some((own) => !Array.isArray(own) || own.length !== heads))
    throw new RangeError(`${who}: advice must be ${layers} layers of ${heads} heads`)
  const makes = (advice as ModelAdvice).flat().map(({ method: name, options }) => {
    const method = methods.find((one) => one.name === name)
    if (!method) throw new RangeError(`${who}: no method is called ${JSON.stringify(name)}`)
    if (typeof options !== 'object' || options === null)
      throw new TypeError(`${who}: options of ${name} must be an object`)
    const make: HeadSpec = (shape) => method.make(shape, options)
    ;(make({ d, dv: d, scale: 1 / Math.sqrt(d) }, 0, 0) as Partial<Disposable>)[Symbol.dispose]?.() // a method that refuses must refuse here and not later
    return make
  })
  return (shape, layer, head) => makes[layer * heads + head](shape, layer, head)
}
