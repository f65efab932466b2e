import { catalogue } from '@sublinear/attention'
import { advisedStreams, type ModelAdvice } from '@sublinear/small-lm'
import { readFileSync } from 'node:fs'
import { openModel } from '../models'
import type { Cell } from './task'

/** The row of heads that each remember as advised. */
export const ADVISED = 'advised'
const KIND = 'sublinear advice'
const VERSION = 1

/** What a file of advice is asked for. */
export const adviceKey = ({ model, budget, tokens }: Cell): string => [model, budget, tokens].join(' ')

/**
 * Method and options of every head, for the cells that are asked for, by `adviceKey`.
 *
 * @param text  the text that will be read: advice must have been made from another
 * @throws Error when the file is none of ours, was made from that text, lacks a cell, or a method refuses its options
 */
export function readAdvice(path: string, text: string, cells: readonly Cell[]): Readonly<Record<string, ModelAdvice>> {
  const wrong = (what: string, cause?: unknown) =>
    new RangeError(`--advice ${path}: ${what}`, cause === undefined ? {} : { cause })
  const file = parsed(readFileSync(path, 'utf8'))
  if (file?.['kind'] !== KIND || file['version'] !== VERSION || typeof file['advice'] !== 'object' || !file['advice'])
    throw wrong('is no file of advice')
  if (file['text'] === text) throw wrong(`was made from ${text}, the text that is read`)
  const advice = file['advice'] as Readonly<Record<string, ModelAdvice>>
  for (const cell of cells) {
    const key = adviceKey(cell)
    if (!Object.hasOwn(advice, key)) throw wrong(`has none for ${key}`)
    try {
      advisedStreams(openModel(cell.model), advice[key]!, catalogue)
    } catch (error) {
      throw wrong(`${key}: ${error instanceof Error ? error.message : String(error)}`, error)
    }
  }
  return advice
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
