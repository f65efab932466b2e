import { plan, type Plan } from '@sublinear/attention'
import type { Task } from '@sublinear/adviser'
import type { HeadAdvice } from '@sublinear/small-lm'
import { budgetBytes } from './evaluation/task'
import { isFolder } from './folder/model-folder'
import { recipesIn, writeRecipes } from './folder/folder-recipes'
import { modelHeads, refuseWindows } from './folder/model-heads'
import { folderFlags, type ModelFlags } from './folder/model-options'
import { refuseOutputs } from './outputs'
import { progressBar } from './progress'
import { bytesText, outputWidth, shareText, tableText } from './report'

export interface PlanModelFlags extends ModelFlags {
  readonly model: string
  readonly tokens?: number
  readonly epsilon?: number
  readonly budget?: string | number
  readonly task: Task
  readonly pilot: number
  readonly seed: number
  readonly heads?: readonly string[]
  readonly out?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

interface Planned {
  readonly layer: number
  readonly head: number
  readonly made: Plan
}

const NOT_WORTHWHILE = 3
/** Default number of tokens to come. */
const TOKENS = 8192

/**
 * Plans for every key head of a model by its queries, keys and values over a text, and writes the recipes beside the model.
 *
 * @throws RangeError as modelHeads and plan do; the signal's reason when aborted: nothing is then written
 */
export async function planModel(flags: PlanModelFlags, signal: AbortSignal): Promise<void> {
  const { model, text, tokens = TOKENS, epsilon, budget, task, pilot, seed, heads: only, json, quiet } = flags
  const out = flags.out ?? (isFolder(model) && !only ? recipesIn(model) : undefined)
  if (out !== undefined && only)
    throw new RangeError('recipes are for all heads: plan without --heads, or without --out')
  if (out !== undefined) await refuseOutputs([{ flag: '--out', path: out }], [text])
  const isSilent = Boolean(quiet || json)
  const asked = { ...folderFlags(flags), model, text, tokens: pilot, signal, quiet: isSilent }
  const { heads, layers } = await modelHeads({ ...asked, ...(only && { only }) })
  refuseWindows(heads, 'plan')
  const bar = progressBar('planning', 100 * heads.length, isSilent, 'steps')
  const planned: Planned[] = []
  try {
    for (const [h, { layer, head, shape, queries, keys, values }] of heads.entries()) {
      const { d, dv, scale, softcap, sinkLogit } = shape
      const cache = 4 * (d + dv) * tokens
      const bytes = budget === undefined || typeof budget === 'number' ? budget : budgetBytes(budget, cache)
      const made = await plan({
        d,
        dv,
        scale,
        softcap,
        sinkLogit,
        tokens,
        pilot: { queries, keys, values },
        task,
        seed,
        ...(bytes !== undefined && { budgetBytes: bytes }),
        ...((epsilon !== undefined || bytes === undefined) && { epsilon: epsilon ?? 0.1 }),
        signal,
        onProgress: ({ round, rounds, done, candidates }) =>
          bar.update(Math.floor(100 * (h + (round + done / candidates) / rounds))),
      })
      planned.push({ layer, head, made })
    }
  } finally {
    bar.stop()
  }
  const advice: HeadAdvice[][] = layers.map(() => [])
  for (const { layer, made } of planned) advice[layer].push({ method: made.method, options: made.options })
  const how = { ...(budget !== undefined && { budget }), ...(epsilon !== undefined && { epsilon }) }
  const recipes = { tokens, ...how, text, heads: advice }
  if (out !== undefined) await writeRecipes(out, recipes)
  if (json) console.log(JSON.stringify({ model, ...recipes }))
  else if (!quiet) print(planned, model, tokens, out)
  if (planned.every(({ made }) => made.verdict !== 'ok')) process.exitCode = NOT_WORTHWHILE
}

function print(planned: readonly Planned[], model: string, tokens: number, out: string | undefined): void {
  const rows = planned.map(({ layer, head, made }) => [
    `${layer}.${head}`,
    made.name,
    bytesText(made.cost.bytes),
    shareText(made.cost.bytes, made.cost.cache.float32),
    String(Number(made.error.total.toPrecision(3))),
    made.verdict,
  ])
  const columns = [
    { head: 'head' },
    { head: 'method' },
    { head: 'bytes', align: 'right' as const },
    { head: 'of float32', align: 'right' as const },
    { head: 'error', align: 'right' as const },
    { head: 'verdict' },
  ]
  console.log(tableText(columns, rows, outputWidth()))
  const all = (sizeOf: (made: Plan) => number) => planned.reduce((total, { made }) => total + sizeOf(made), 0)
  const [bytes, cache] = [all(({ cost }) => cost.bytes), all(({ cost }) => cost.cache.float32)]
  console.log(
    `\n${planned.length} heads hold ${bytesText(bytes)} for ${tokens} tokens, where a float32 cache holds ${bytesText(cache)} (${shareText(bytes, cache)})`,
  )
  if (out !== undefined) console.log(`recipes in ${out}: sublinear chat --model ${model} --recipes`)
}
