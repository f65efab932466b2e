import { catalogue } from '@sublinear/attention'
import { advisedStreams, type ModelAdvice } from '@sublinear/small-lm'
import { writeWhole } from '@sublinear/io/node'
import { existsSync, readFileSync } from 'node:fs'
import { isFolder } from '../folder/model-folder'
import { openModel } from '../models'
import type { Cell } from './task'

/** Name of the row in which each head remembers as advised. */
export const ADVISED = 'advised'
const KIND = 'sublinear advice'
const VERSION = 1

/** Method and options of every head, for the cells that a file has. */
export interface AdviceFile {
  /** Text from which the advice was made. */
  readonly text: string
  /** Advice for models, by `adviceKey`. */
  readonly advice: Readonly<Record<string, ModelAdvice>>
}

/** Names a cell in a file of advice. */
export const adviceKey = ({ model, budget, tokens }: Cell): string => [model, budget, tokens].join(' ')

/**
 * Reads a file of advice; undefined where there is none.
 *
 * @param text  the text that will be read: advice must have been made from another text; cells  cells that are asked for, of which the file may lack some
 * @throws Error when it is no file of advice, was made from that text, or a method refuses its options
 */
export function readAdvice(path: string, text: string, cells: readonly Cell[]): AdviceFile | undefined {
  if (!existsSync(path)) return undefined
  const wrong = (what: string, cause?: unknown) =>
    new RangeError(`--advice ${path}: ${what}`, cause === undefined ? {} : { cause })
  const file = parsed(readFileSync(path, 'utf8'))
  const isOurs = file?.['kind'] === KIND && file['version'] === VERSION && typeof file['text'] === 'string'
  if (!isOurs || typeof file['advice'] !== 'object' || !file['advice']) throw wrong('is not a file of advice')
  const found = file as unknown as AdviceFile
  if (found.text === text) throw wrong(`was made from ${text}, the text that is read`)
  for (const cell of cells) {
    const key = adviceKey(cell)
    if (!Object.hasOwn(found.advice, key) || isFolder(cell.model)) continue // advice for a folder is checked when the folder is open
    try {
      advisedStreams(openModel(cell.model), found.advice[key], catalogue)
    } catch (error) {
      throw wrong(`${key}: ${error instanceof Error ? error.message : String(error)}`, error)
    }
  }
  return found
}

/** Writes a file of advice, which is whole at any time. */
export async function writeAdvice(path: string, { text, advice }: AdviceFile): Promise<void> {
  await writeWhole(path, `${JSON.stringify({ kind: KIND, version: VERSION, text, advice })}\n`)
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
