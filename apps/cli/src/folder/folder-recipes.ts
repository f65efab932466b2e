import { catalogue, exactStream } from '@sublinear/attention'
import { writeWhole } from '@sublinear/io/node'
import type { HeadSpec, OnnxModel } from '@sublinear/onnx'
import type { ModelAdvice } from '@sublinear/small-lm'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAddress } from './fetched-folder'

/** Recipes of a model's heads, as they lie beside it. */
export interface ModelRecipes {
  /** Number of tokens, and bytes or share of a cache, for which they were planned; and the text on which they were measured. */
  readonly tokens: number
  readonly budget?: string | number
  readonly epsilon?: number
  readonly text: string
  /** Advice by layer and key head; none for a layer that keeps a window of its own, or reads another's keys. */
  readonly heads: ModelAdvice
}

const KIND = 'sublinear recipes'
const VERSION = 1

/** The path of a folder's recipes, unless another is named. */
export function recipesIn(folder: string): string {
  if (isAddress(folder))
    throw new RangeError('a model from a hub has no folder of your own: name a file for its recipes')
  return join(folder, 'sublinear-recipes.json')
}

export async function writeRecipes(path: string, recipes: ModelRecipes): Promise<void> {
  await writeWhole(path, `${JSON.stringify({ kind: KIND, version: VERSION, ...recipes }, null, 1)}\n`)
}

/**
 * Makes streams from the recipes in a file.
 *
 * @throws RangeError when there is no such file, it is no file of recipes, or for a model of another shape, or a method refuses its options
 */
export function readRecipes(path: string, model: Pick<OnnxModel, 'layers'>): HeadSpec {
  const wrong = (what: string, cause?: unknown) => new RangeError(`--recipes ${path}: ${what}`, { cause })
  if (!existsSync(path)) throw wrong('there is no such file: sublinear plan --model writes one')
  let file: Partial<ModelRecipes & { readonly kind: string; readonly version: number }>
  try {
    file = JSON.parse(readFileSync(path, 'utf8')) as typeof file
  } catch (cause) {
    throw wrong('is no JSON', cause)
  }
  if (file?.kind !== KIND || file.version !== VERSION) throw wrong('is not a file of recipes')
  try {
    return recipeStreams(model, file.heads)
  } catch (cause) {
    throw wrong(cause instanceof Error ? cause.message : String(cause), cause)
  }
}

/** Makes streams for heads that each have a recipe of their own. @throws RangeError when recipes are of another shape, or a method refuses its options */
export function recipeStreams({ layers }: Pick<OnnxModel, 'layers'>, heads: unknown): HeadSpec {
  if (!Array.isArray(heads) || heads.length !== layers.length)
    throw new RangeError(`it must have recipes of ${layers.length} layers`)
  const all = (heads as ModelAdvice).map((own, layer) => {
    const { kvHeads, shape, reads } = layers[layer]
    const count = shape.window === undefined && reads === undefined ? kvHeads : 0
    if (!Array.isArray(own) || (own.length !== count && own.length !== kvHeads))
      throw new RangeError(`layer ${layer} must have recipes of ${count} key heads`)
    return own.map(({ method: name, options }) => {
      const method = catalogue.find((one) => one.name === name)
      if (!method) throw new RangeError(`no method is called ${JSON.stringify(name)}`)
      if (typeof options !== 'object' || options === null) throw new RangeError(`options of ${name} must be an object`)
      ;(method.make(shape, options) as Partial<Disposable>)[Symbol.dispose]?.() // a method that refuses must refuse here and not later
      return { method, options }
    })
  })
  return (shape, layer, head) => {
    const own = shape.window === undefined ? all[layer][head] : undefined
    return own ? own.method.make(shape, own.options) : exactStream(shape)
  }
}
