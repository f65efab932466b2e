import type { BoardHead } from '@sublinear/board'
import type { Matrix } from '@sublinear/core'
import { basename } from 'node:path'
import { axesOf, withInputs } from './open-input'

export interface HeadFiles {
  readonly queries: string
  readonly keys: string
  readonly values: string
}

/** One head, and the files and places of its rows. */
export interface LocatedHead extends HeadFiles {
  /** Name: `layer.head` as counted in the queries, or the brackets after their path; for a file that is one matrix, the file. */
  readonly name: string
  /** Index of the head in the axes that the path of the queries leaves open, and the number of heads along each. */
  readonly index: readonly number[]
  readonly lead: readonly number[]
}

/**
 * Finds the heads of three arrays: the one matrix that the paths name, or all of [layers, heads, n, width]. Where keys and values have
 * fewer heads than queries, query head h reads ⌊h·kvHeads/queryHeads⌋.
 *
 * @param only  names of the heads wanted. Default: all
 * @throws RangeError when the arrays do not fit each other, or a head does not exist
 */
export async function headsOf(files: HeadFiles, only?: readonly string[]): Promise<LocatedHead[]> {
  const [queries, keys, values] = [await leadOf(files.queries), await leadOf(files.keys), await leadOf(files.values)]
  const all = indices(queries.lead).map((index) => ({
    name: [...queries.index, ...index].join('.') || basename(files.queries),
    index,
    lead: queries.lead,
    queries: withIndex(files.queries, index),
    keys: withIndex(files.keys, matching('keys', index, queries.lead, keys.lead)),
    values: withIndex(files.values, matching('values', index, queries.lead, values.lead)),
  }))
  if (!only) return all
  return only.map((wanted) => {
    const head = all.find(({ name }) => name === wanted)
    if (head) return head
    throw new RangeError(`--heads: there is no head ${wanted}, only ${all.map(({ name }) => name).join(', ')}`)
  })
}

/** Reads a whole head, at most `tokens` of it, since a board replays it for every stream. */
export async function readHead(
  { name, ...files }: Omit<LocatedHead, 'index' | 'lead'>,
  tokens = Infinity,
): Promise<BoardHead> {
  return withInputs([files.queries, files.keys, files.values] as const, async (queries, keys, values) => {
    const whole = async (what: string, rows: typeof queries): Promise<Matrix> => {
      for await (const block of rows.blocks(Math.min(tokens, rows.rows))) return block
      throw new RangeError(`${what} of ${name} have no rows`)
    }
    return {
      name,
      queries: await whole('queries', queries),
      keys: await whole('keys', keys),
      values: await whole('values', values),
    }
  })
}

interface Axes {
  /** Axes before rows and columns that the path leaves open. */
  readonly lead: readonly number[]
  readonly index: readonly number[]
}

async function leadOf(text: string): Promise<Axes> {
  const { shape, index } = await axesOf(text)
  return { lead: index.length > 0 ? [] : shape.slice(0, Math.max(0, shape.length - 2)), index }
}

/** All indices of the axes, in the order of the file. */
function indices(lead: readonly number[]): number[][] {
  return lead.reduce<number[][]>(
    (all, count) => all.flatMap((index) => Array.from({ length: count }, (_, i) => [...index, i])),
    [[]],
  )
}

/** The index in another array: the same, with fewer heads in the last axis where their numbers divide. */
function matching(name: string, index: readonly number[], from: readonly number[], to: readonly number[]): number[] {
  const fits =
    to.length === from.length &&
    to.every((count, axis) => (axis < to.length - 1 ? count === from[axis] : count > 0 && from[axis] % count === 0))
  if (!fits)
    throw new RangeError(`queries have the heads [${from.join(', ')}], ${name} [${to.join(', ')}]: they do not fit`)
  return index.map((i, axis) => Math.floor((i * to[axis]) / from[axis]))
}

function withIndex(text: string, index: readonly number[]): string {
  return index.length === 0 ? text : `${text}[${index.join(',')}]`
}
