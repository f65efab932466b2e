import { exactStream } from '@sublinear/attention'
import type { Pilot } from '@sublinear/core'
import { capture, type OnnxModel } from '@sublinear/onnx'
import { readTextThrough } from '@sublinear/small-lm'
import { firstBytes, type Started, type ToRead } from '../read-in-small'
import { recipesIn, readRecipes } from './folder-recipes'
import { folderStreams } from './folder-streams'
import { openFolder, type ModelFolder } from './model-folder'

/** Begins to read with a user's own model. @throws RangeError as openFolder, folderStreams and readRecipes do */
export async function readInFolder({ method, sizeOf, text, coming, options }: ToRead): Promise<Started> {
  const { recipes, model: path, pilot } = options
  const folder = await openFolder(path, options)
  const { model, tokenizer, trainedContext } = folder
  try {
    const isPiloted = recipes === undefined && method.learns === 'pilot'
    const { first, whole } = await firstBytes(text, isPiloted ? pilot : 0)
    const pilots = first && (await pilotsFrom(folder, first, pilot))
    const stream =
      recipes === undefined
        ? folderStreams(model, method, sizeOf, coming, (layer, head) => pilots?.get(`${layer}.${head}`))
        : readRecipes(recipes === true ? recipesIn(path) : recipes, model)
    const { begin } = tokenizer
    return {
      readings: readTextThrough({ run: model.reader({ stream }), tokenizer, begin, source: whole }),
      stream: recipes === undefined ? method.name : 'recipes',
      details: {},
      trainedContext,
      isUnrotated: Boolean(stream.unrotated),
      [Symbol.asyncDispose]: () => model.release(),
    }
  } catch (error) {
    await model.release()
    throw error
  }
}

async function pilotsFrom(
  { model, tokenizer }: { readonly model: OnnxModel; readonly tokenizer: ModelFolder['tokenizer'] },
  first: Uint8Array,
  rows: number,
): Promise<ReadonlyMap<string, Pilot>> {
  const ids = [...tokenizer.begin, ...tokenizer.encode(new TextDecoder().decode(first))].slice(0, rows)
  const heads = await capture({ model, stream: exactStream, ids })
  return new Map(heads.map(({ layer, head, ...pilot }) => [`${layer}.${head}`, pilot]))
}
