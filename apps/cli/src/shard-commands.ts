import {
  levelsOf,
  planKey,
  runInline,
  runOn,
  runShards,
  shardPlan,
  work,
  type Broker,
  type RunEvent,
  type RunResult,
  type ShardPlan,
} from '@sublinear/cluster'
import { writeWhole } from '@sublinear/io/node'
import { Command, InvalidArgumentError } from 'commander'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { wholeNumber } from './options'
import { lendPackages } from './own-packages'
import { refuseOutputs } from './outputs'
import { progressBar } from './progress'
import { bytesText } from './report'
import { client, sharedStore } from './shared-store'

interface Options {
  readonly store: string
  readonly on?: string
  readonly out?: string
  readonly shards?: readonly [number, number]
  readonly json?: boolean
  readonly quiet?: boolean
}

const STORE = 'a folder that every worker reaches, redis://… or postgres://…'

export function shardCommand(interrupt: AbortSignal): Command {
  return new Command('shard')
    .description(
      'Computes a stream, sketch or counter in shards that are merged in a fixed tree: in this process, or by workers --on a broker. Results that are in the store are not computed again',
    )
    .argument(
      '<plan>',
      'the options of shardPlan of @sublinear/cluster: a JSON file, or a module whose default export has them',
    )
    .requiredOption('--store <where>', `where results of shards and merges are kept: ${STORE}`)
    .option('--on <broker>', 'redis://… or postgres://…, from which `sublinear work` takes the shards')
    .option(
      '--shards <a-b>',
      'compute only these shards, in this process, and merge nothing: for machines without a broker',
      shardRange,
    )
    .option('--out <file>', 'file for the merged snapshot')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .action(async (path: string, options: Options, command: Command) => {
      const { shards, on, out } = options
      if (shards && (on ?? out) !== undefined) command.error('error: --shards merges nothing: leave out --on and --out')
      await runPlan(path, options, interrupt)
    })
}

export function workCommand(interrupt: AbortSignal): Command {
  return new Command('work')
    .description('Runs a worker, which takes shards and merges from a broker until it is interrupted')
    .requiredOption('--on <broker>', 'redis://… or postgres://…')
    .requiredOption('--store <where>', `where results of shards and merges are kept: ${STORE}`)
    .option('--concurrency <n>', 'how many shards at a time, each in a thread', wholeNumber(1, 1024), 1)
    .option('--quiet', 'print nothing but errors')
    .action(async ({ on, store: address, concurrency, quiet }: Options & { on: string; concurrency: number }) => {
      lendPackages()
      const { store, close } = await sharedStore(address)
      const onFault = ({ message }: Error) => {
        if (!quiet) console.error(`sublinear: ${message}`)
      }
      try {
        await work(await brokerAt(on), { store, concurrency, signal: interrupt, onFault })
      } finally {
        await close()
      }
    })
}

export function mergeCommand(interrupt: AbortSignal): Command {
  return new Command('merge')
    .description('Merges the shards of a plan that `shard --shards` made on any machines, and says which are missing')
    .argument('<plan>', 'the plan of the shards')
    .requiredOption('--store <where>', `where the results of the shards are kept: ${STORE}`)
    .requiredOption('--out <file>', 'file for the merged snapshot')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .action((path: string, options: Options) => runPlan(path, options, interrupt, true))
}

async function runPlan(path: string, options: Options, signal: AbortSignal, isWhole = false): Promise<void> {
  const { out, shards, on, json, quiet } = options
  if (out !== undefined) await refuseOutputs([{ flag: '--out', path: out }], [path])
  const plan = await planIn(path)
  const { store, close } = await sharedStore(options.store)
  const bar = progressBar('sharding', plan.rows, quiet || json, 'rows')
  const onEvent = (event: RunEvent) => {
    if (event.type === 'progress') bar.update(event.rows)
    if (event.type === 'dead' && !quiet) console.error(`sublinear: ${event.node} is dead: ${event.reason}`)
  }
  const how = { store, signal, onEvent }
  try {
    if (isWhole) await requireShards(plan, store.has)
    if (shards) {
      await runShards(plan, shards[0], shards[1] + 1, how)
      bar.stop()
      return say(
        { key: planKey(plan), shards },
        `shards ${shards.join(' to ')} of ${levelsOf(plan)[0]} are there`,
        options,
      )
    }
    const result = on === undefined ? await runInline(plan, how) : await runOn(await brokerAt(on), plan, how)
    bar.stop()
    if (out !== undefined) await writeWhole(out, result.root)
    sayResult(result, options)
  } finally {
    bar.stop()
    await close()
  }
}

function sayResult({ key, digest, root, plan }: RunResult, options: Options): void {
  const [shards] = levelsOf(plan)
  const about = { key, digest, bytes: root.length, rows: plan.rows, shards }
  const where = options.out === undefined ? '' : `; in ${options.out}`
  say(about, `${plan.rows} rows in ${shards} shards: ${bytesText(root.length)}, sha256 ${digest}${where}`, options)
}

function say(about: object, text: string, { json, quiet }: Options): void {
  if (json) console.log(JSON.stringify(about))
  else if (!quiet) console.log(text)
}

/** Checks that all shards are there. @throws Error that names the shards that are missing */
async function requireShards(plan: ShardPlan, has: (key: string) => Promise<boolean>): Promise<void> {
  const missing: number[] = []
  const [shards] = levelsOf(plan)
  for (let i = 0; i < shards; i++) if (!(await has(`${planKey(plan)}/0.${i}`))) missing.push(i)
  if (missing.length === 0) return
  const shown = missing.slice(0, 10).join(', ') + (missing.length > 10 ? ', …' : '')
  throw new Error(`${missing.length} of ${shards} shards are missing: ${shown}`)
}

async function planIn(path: string): Promise<ShardPlan> {
  lendPackages()
  const given: unknown = /\.[cm]?[jt]s$/.test(path)
    ? ((await import(pathToFileURL(resolve(path)).href)) as { default: unknown }).default
    : await readFile(path, 'utf8').then(
        (text) => JSON.parse(text) as unknown,
        () => {
          throw new Error(`${path}: there is no such file`)
        },
      )
  return shardPlan(given as Parameters<typeof shardPlan>[0])
}

async function brokerAt(connection: string): Promise<Broker> {
  const { bullmq } = await client('bullmq', () => import('@sublinear/cluster/bullmq'))
  return bullmq({ connection })
}

function shardRange(text: string): readonly [number, number] {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(text) ?? []
  if (first === undefined || Number(first) > Number(last))
    throw new InvalidArgumentError('must be a range such as 0-15.')
  return [Number(first), Number(last)]
}
