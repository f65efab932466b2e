import type { Tensor } from 'onnxruntime-common'
import type { AttentionSite, Mask } from './attention-site'
import { evaluator } from './evaluate'
import type { OrderedGraph } from './graph-order'
import { floatsOf, type Runtime } from './ort'
import { notSupported } from './refuse'

/** Bias below which a score's token counts as hidden. */
const HIDDEN = -1e4
/** The longest past at which masks are computed; it is halved where the graph's own tables end before. */
const FAR = 8191

/** Steps at which a mask is computed: the first tokens, one token behind a past, and a token far from the start. */
const STEPS = [
  { count: 7, before: 0 },
  { count: 5, before: 6 },
] as const

/**
 * Finds the rule of masks by running them: each token sees itself and all tokens before it, or a window of them.
 * Deviation: a window of more than 8192 tokens that is given by a mask alone is not noticed.
 *
 * @returns the window of each site by its title; undefined where all earlier tokens are seen
 * @throws RangeError when a mask follows neither rule, or adds a bias to scores of tokens that are seen
 */
export async function maskRules(
  runtime: Runtime,
  graph: OrderedGraph,
  sites: readonly AttentionSite[],
  past: ReadonlySet<string>,
): Promise<ReadonlyMap<AttentionSite, number | undefined>> {
  const rules = new Map<AttentionSite, number | undefined>()
  const firsts = new Map<string, AttentionSite>() // most layers have the masks of an earlier one
  for (const site of sites) {
    if (site.masks.length === 0 && !site.isCausal)
      throw notSupported(site.title, 'a mask that is not causal: every token sees all others')
    rules.set(site, undefined)
    if (site.masks.length > 0 && !firsts.has(masksOf(site))) firsts.set(masksOf(site), site)
  }
  const masked = [...firsts.values()]
  if (masked.length === 0) return rules
  const names = [...new Set(masked.flatMap(({ masks }) => masks.map(({ tensor }) => tensor)))]
  const { evaluate, release } = await evaluator(runtime, graph, names, past)
  const at = async (count: number, before: number): Promise<Values> => {
    const ids = Array.from({ length: count }, (_, i) => i)
    const found = await evaluate({ ids, before, previous: before > 0 ? 0 : -1 }, names)
    return new Map([...found].map(([name, own]) => [name, { dims: own.dims, type: own.type, data: floatsOf(own) }]))
  }
  try {
    for (let before = FAR; ; before = Math.floor(before / 2)) {
      const far = await at(1, before).catch((error: unknown) => {
        if (before < 64) throw error
        return undefined
      })
      if (!far) continue
      for (const site of masked) rules.set(site, windowOf(site, far, { count: 1, before }))
      break
    }
    for (const step of STEPS) {
      const seen = await at(step.count, step.before)
      for (const site of masked) checkStaircase(site, seen, step, rules.get(site))
    }
    for (const site of sites) rules.set(site, rules.get(firsts.get(masksOf(site)) ?? site))
    return rules
  } finally {
    await release()
  }
}

/** The same text for sites of the same masks. */
const masksOf = ({ masks, isCausal }: AttentionSite) => JSON.stringify([isCausal, masks])

type MaskValues = Pick<Tensor, 'dims' | 'type'> & { readonly data: Float32Array }
type Values = ReadonlyMap<string, MaskValues>
type Place = { readonly count: number; readonly before: number }

/** The number of newest tokens that a token far from the start sees. */
function windowOf(site: AttentionSite, tensors: Values, place: Place): number | undefined {
  const total = place.before + 1
  const [row] = visibleRows(site, tensors, place)
  let window = 0
  while (window < total && row[total - 1 - window]) window++
  return window === total ? undefined : window
}

function checkStaircase(site: AttentionSite, tensors: Values, place: Place, window = Infinity): void {
  for (const [i, row] of visibleRows(site, tensors, place).entries()) {
    const own = place.before + i
    for (const [j, isSeen] of row.entries())
      if (isSeen !== (j <= own && j > own - window))
        throw notSupported(site.title, `a mask that is neither causal nor a window: token ${own} and token ${j}`)
  }
}

/** Whether each new token sees each token, count × total, by all masks together and the operator's own rule. */
function visibleRows(
  { masks, isCausal, title }: AttentionSite,
  tensors: Values,
  { count, before }: Place,
): boolean[][] {
  const total = before + count
  return Array.from({ length: count }, (_, i) =>
    Array.from(
      { length: total },
      (_j, j) =>
        (!isCausal || j <= before + i) &&
        masks.every((mask) => isVisible(title, mask, tensors.get(mask.tensor)!, { i, j, count, total })),
    ),
  )
}

function isVisible(
  title: string,
  { meaning }: Mask,
  { dims, type, data }: MaskValues,
  { i, j, count, total }: { readonly i: number; readonly j: number; readonly count: number; readonly total: number },
): boolean {
  const rows = dims.at(-2) ?? 1
  const cols = dims.at(-1) ?? 1
  const heads = dims.slice(0, -2).reduce((product, n) => product * n, 1)
  if ((rows !== count && rows !== 1) || (cols !== total && cols !== 1))
    throw notSupported(title, `a mask of [${dims.join(', ')}] for ${count} of ${total} tokens`)
  const entry = (rows === 1 ? 0 : i) * cols + (cols === 1 ? 0 : j)
  const value = data[entry]
  for (let h = 1; h < heads; h++)
    if (data[h * rows * cols + entry] !== value) throw notSupported(title, 'a mask that differs from head to head')
  if (meaning === 'unseen') return value === 0
  if (meaning === 'seen' || type === 'bool') return value !== 0
  if (value !== 0 && value > HIDDEN) throw notSupported(title, `a bias of scores, ${value} among it`)
  return value === 0
}
