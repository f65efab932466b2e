import { writeRows } from '@sublinear/io/node'
import { Command } from 'commander'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { modelHeads, type ModelHead } from './folder/model-heads'
import { folderFlags, withModel, type ModelFlags } from './folder/model-options'
import { list, wholeNumber } from './options'
import { refuseOutputs } from './outputs'

interface CaptureFlags extends ModelFlags {
  readonly model: string
  readonly tokens: number
  readonly heads?: readonly string[]
  readonly out: string
  readonly json?: boolean
  readonly quiet?: boolean
}

const PARTS = ['queries', 'keys', 'values'] as const

export function captureCommand(interrupt: AbortSignal): Command {
  return withModel(
    new Command('capture').description(
      'Writes the queries, keys and values that the heads of a model get over a text, as queries.npy, keys.npy and values.npy of shape [layers, heads, tokens, width], for every other command',
    ),
    'persuasion',
  )
    .option('--tokens <n>', 'tokens of the text', wholeNumber(2, 10_000_000), 4096)
    .option(
      '--heads <names>',
      'key heads, as 0.1,2.0, equally many of each layer (default: all without a window)',
      list,
    )
    .requiredOption('--out <folder>', 'folder for the three files')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .action((flags: Partial<CaptureFlags>, command: Command) => {
      if (flags.model === undefined) command.error('error: --model <name or folder> must be given')
      return run(flags as CaptureFlags, interrupt)
    })
}

async function run(flags: CaptureFlags, signal: AbortSignal): Promise<void> {
  const { model, text, tokens, heads: only, out, json, quiet } = flags
  mkdirSync(out, { recursive: true })
  const files = Object.fromEntries(PARTS.map((part) => [part, join(out, `${part}.npy`)]))
  await refuseOutputs(
    PARTS.map((part) => ({ flag: '--out', path: files[part] })),
    [text],
  )
  const asked = { ...folderFlags(flags), model, text, tokens, signal, quiet: Boolean(quiet || json) }
  const { heads, tokens: read, name } = await modelHeads({ ...asked, ...(only && { only }) })
  const { layers, perLayer } = arranged(heads)
  const [{ groups, shape }] = heads
  for (const part of PARTS) {
    const count = part === 'queries' ? perLayer * groups : perLayer
    await using rows = await writeRows(files[part], heads[0][part].cols, { lead: [layers.length, count] })
    for (const head of heads) {
      const split = part === 'queries' ? groups : 1
      for (let g = 0; g < split; g++) await rows.write(everyRow(head[part], g, split))
    }
    await rows.close()
  }
  const scale = Math.abs(shape.scale * Math.sqrt(shape.d) - 1) < 1e-6 ? {} : { scale: shape.scale }
  const cap = shape.softcap === undefined ? {} : { softcap: shape.softcap }
  const sinks = shape.sinkLogit === undefined ? {} : { sinks: heads.flatMap((own) => own.shape.sinkLogit ?? []) }
  const found = { model: name, tokens: read, layers, groups, ...scale, ...cap, ...sinks, files }
  if (json) console.log(JSON.stringify(found))
  else if (!quiet) {
    console.log(`${read} tokens of layers ${layers.join(', ')}: ${PARTS.map((part) => files[part]).join(' ')}`)
    if (scale.scale !== undefined) console.log(`the model's scale is its own: --scale ${scale.scale}`)
    if (cap.softcap !== undefined) console.log(`the model caps its scores: --softcap ${cap.softcap}`)
    if (sinks.sinks) console.log(`its query heads have sinks: --sink ${sinks.sinks.join(',')}`)
  }
}

/** Arranges the heads as one array. @throws RangeError when heads differ in width, or layers in their number */
function arranged(heads: readonly ModelHead[]): { readonly layers: readonly number[]; readonly perLayer: number } {
  const layers = [...new Set(heads.map(({ layer }) => layer))]
  const perLayer = heads.length / layers.length
  const [{ groups, shape }] = heads
  const isAlike = (own: ModelHead) =>
    own.groups === groups &&
    (['d', 'dv', 'scale', 'softcap'] as const).every((part) => own.shape[part] === shape[part]) &&
    (own.shape.sinkLogit === undefined) === (shape.sinkLogit === undefined)
  const areEqual = layers.every((layer) => heads.filter((own) => own.layer === layer).length === perLayer)
  if (!areEqual || !heads.every(isAlike))
    throw new RangeError(
      'the heads of these layers have different shapes and do not fit into one array: choose heads of one shape with --heads',
    )
  return { layers, perLayer }
}

/** Rows first, first + step, … of a matrix. */
function everyRow({ rows, cols, data }: ModelHead['queries'], first: number, step: number): ModelHead['queries'] {
  if (step === 1) return { rows, cols, data }
  const out = new Float32Array((rows / step) * cols)
  for (let r = 0; r < rows / step; r++)
    out.set(data.subarray((r * step + first) * cols, (r * step + first + 1) * cols), r * cols)
  return { rows: rows / step, cols, data: out }
}
