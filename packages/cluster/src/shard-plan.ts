import { checkHead, checkInteger, checkOptions, checkSeed, HEAD_FEATURES } from '@sublinear/core'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AttentionStream, Sketch } from '@sublinear/core'
import type { FrequentItems, HeavyHitters } from '@sublinear/sparse-recovery'
import { nearestMerging } from './nearest-merging'
import type {
  FileRows,
  FrequentItemsSpec,
  HeavyHittersSpec,
  MethodSpec,
  PlanOptions,
  ShardPlan,
  SketchSpec,
  Source,
  SummarySpec,
} from './plan'
import { sourceRows } from './source-blocks'
import { methodOf, summaryKind, type SummaryKind } from './summary'

const who = 'shardPlan'
const NAMES = ['method', 'sketch', 'counter', 'source', 'rowsPerShard', 'fanIn', 'seed', 'blockRows']
const MOST_SHARDS = 2 ** 20

/**
 * Plans a stream, a sketch or a counter that is computed in shards, on this machine or on many: rows are cut into shards of `rowsPerShard`, and `fanIn`
 * neighbours are merged at a time. The plan is plain JSON and defines the result.
 *
 * Guarantee: the same plan, engine and version give the same bits, whoever computes it, in whatever order and how often. The tree and one stream over all
 *   rows differ by rounding alone where `merging` is 'linear'.
 * Cost: opens the files of the source to read their shapes, and makes one empty summary.
 *
 * @throws TypeError, RangeError when an option is unknown or out of its range, when files do not fit, and where summaries of the method do not merge (the
 *   message names the nearest method whose summaries do)
 * @example
 * const module = 'data:text/javascript,export function* rows() { yield { items: ["a", "b", "a"] } }'
 * const plan = await shardPlan({ counter: { kind: 'frequentItems', count: 64 }, source: { module, rows: 3 }, rowsPerShard: 256 })
 * plan.rows // 3
 */
export function shardPlan(
  options: PlanOptions & {
    /** The stream, by its name in the catalogue and its options. */
    readonly method: MethodSpec
  },
): Promise<ShardPlan<AttentionStream>>
export function shardPlan(
  options: PlanOptions & {
    /** The sketch, by its kind and options. */
    readonly sketch: SketchSpec
  },
): Promise<ShardPlan<Sketch>>
export function shardPlan(
  options: PlanOptions & {
    /** The counter, by its kind and options. */
    readonly counter: HeavyHittersSpec
  },
): Promise<ShardPlan<HeavyHitters>>
export function shardPlan(
  options: PlanOptions & {
    /** The counter, by its kind and options. */
    readonly counter: FrequentItemsSpec
  },
): Promise<ShardPlan<FrequentItems>>
export async function shardPlan(
  options: PlanOptions & {
    readonly method?: MethodSpec | undefined
    readonly sketch?: SketchSpec | undefined
    readonly counter?: HeavyHittersSpec | FrequentItemsSpec | undefined
  },
): Promise<ShardPlan> {
  checkOptions(who, options, NAMES)
  const { method, sketch, counter, rowsPerShard, fanIn = 8, blockRows = 512 } = options
  if ([method, sketch, counter].filter((one) => one !== undefined).length !== 1)
    throw new TypeError(`${who}: give one of method, sketch and counter`)
  checkInteger(who, 'rowsPerShard', rowsPerShard, 1)
  checkInteger(who, 'blockRows', blockRows, 1, 2 ** 20)
  checkInteger(who, 'fanIn', fanIn, 0, 1024)
  if (fanIn === 1) throw new RangeError(`${who}: fanIn must be 0 or at least 2, got 1`)
  const source = locatedSource(options.source)
  const widths = method
    ? ([
        ['keys', method.shape.d],
        ['values', method.shape.dv],
      ] as const)
    : ([['rows', sketch?.width]] as const)
  const rows = await sourceRows(source, widths)
  checkInteger(who, 'rows of the source', rows, 1)
  if (rows / rowsPerShard > MOST_SHARDS)
    throw new RangeError(`${who}: there may be 2^20 shards, ${rows} rows need ${Math.ceil(rows / rowsPerShard)}`)

  const summary: Exclude<SummarySpec, { readonly ask: unknown }> = method
    ? { method: await sizedMethod(method, rows) }
    : sketch
      ? { sketch: { ...sketch, seed: seedText(options) } }
      : counter?.kind === 'heavyHitters'
        ? { counter: { ...counter, seed: seedText(options) } }
        : { counter: counter as FrequentItemsSpec }
  checkPlain('summary', summary)
  checkPlain('source', source)
  const kind = await summaryKind(summary)
  if (method) await checkMerging(method, kind, fanIn)
  return { summary, source, rows, rowsPerShard, fanIn, blockRows }
}

function seedText({ seed }: PlanOptions): string {
  if (seed === undefined) throw new TypeError(`${who}: seed must be given, it decides everything random`)
  return String(checkSeed(who, seed))
}

/** The method with its options, chosen for the budget where they are not given. */
async function sizedMethod(given: MethodSpec, rows: number): Promise<MethodSpec & { readonly options: object }> {
  checkOptions(who, given, ['name', 'shape', 'options', 'budgetBytes', 'module'])
  const { budgetBytes, ...spec } = given
  const method = await methodOf(spec)
  checkHead(who, spec.shape, HEAD_FEATURES)
  const sized =
    budgetBytes === undefined ? undefined : method.within(spec.shape, budgetBytes, { tokens: rows, weighted: true })
  if (budgetBytes !== undefined && sized === undefined)
    throw new RangeError(`${who}: nothing of ${spec.name} fits ${budgetBytes} bytes`)
  const options = spec.options ?? sized ?? method.usual ?? {}
  return { ...spec, options }
}

/** Checks that shards of the method can be joined. @throws RangeError where its summaries do not merge, or need the queries that come with tokens */
async function checkMerging(spec: MethodSpec, kind: SummaryKind, fanIn: number): Promise<void> {
  const { name } = spec
  const { learns } = await methodOf(spec)
  const instead = `the nearest method that merges is ${nearestMerging(name)}`
  if (learns === 'queries')
    throw new RangeError(
      `${who}: ${name} learns from the queries that tokens come with, and a source has none; ${instead}`,
    )
  if (fanIn === 0) return
  if (kind.merging === 'none')
    throw new RangeError(
      `${who}: summaries of ${name} do not merge (what it keeps depends on all that came before); ${instead}; with fanIn: 0 nothing is merged and askAll answers`,
    )
  const [left, right] = [kind.make(), kind.make()]
  try {
    left.merge(right.toBytes())
  } catch (error) {
    throw new RangeError(`${who}: summaries of ${name} do not merge with these options; ${instead}`, { cause: error })
  } finally {
    left.dispose()
    right.dispose()
  }
}

const located = (file: FileRows): FileRows =>
  typeof file === 'string' ? resolve(file) : { ...file, path: resolve(file.path) }

/** The source, with addresses that every process reads in the same way. */
function locatedSource(source: Source): Source {
  if (typeof source !== 'object' || source === null) throw new TypeError(`${who}: source must be an object`)
  if ('module' in source) {
    checkOptions(who, source, ['module', 'rows', 'options'])
    const isAddress =
      /^[a-z][a-z\d+.-]+:/i.test(source.module) || /^(@[\w.-]+\/)?[\w-]+(\/[\w.-]+)*$/.test(source.module)
    return isAddress ? source : { ...source, module: pathToFileURL(resolve(source.module)).href }
  }
  if ('rows' in source) {
    checkOptions(who, source, ['rows', 'version'])
    return { ...source, rows: located(source.rows) }
  }
  checkOptions(who, source, ['keys', 'values', 'version'])
  return { ...source, keys: located(source.keys), values: located(source.values) }
}

/** Checks that a value is plain JSON. @throws TypeError where JSON would change or lose something */
function checkPlain(path: string, value: unknown): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number' && Number.isFinite(value)) return
  const isPlain =
    typeof value === 'object' && [Object.prototype, Array.prototype, null].includes(Object.getPrototypeOf(value))
  if (!isPlain) throw new TypeError(`${who}: ${path} must be plain JSON, got ${String(value)}`)
  for (const [name, inner] of Object.entries(value as object))
    if (inner !== undefined) checkPlain(`${path}.${name}`, inner)
}
