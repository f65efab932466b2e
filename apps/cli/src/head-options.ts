import type { Command } from 'commander'
import type { HeadFiles } from './head-files'

const NAMES = ['queries', 'keys', 'values'] as const

/** Adds the files of a head: queries, keys and values as three files in this order, or by --queries, --keys and --values. */
export function withHeadFiles(command: Command): Command {
  return command
    .argument(
      '[queries]',
      'q.npy, q.npy[layer,head] of a 4-D array, x.safetensors:tensor, or x.safetensors:tensor[layer,head]',
    )
    .argument('[keys]', 'rows of the keys')
    .argument('[values]', 'rows of the values')
    .option('--queries <file>', 'the same file, given by name')
    .option('--keys <file>', 'the same file, given by name')
    .option('--values <file>', 'the same file, given by name')
}

/** The three files, given by place or by name; undefined where none is given. Ends with a usage error where a file is missing or given twice. */
export function headFilesIfAny(command: Command): HeadFiles | undefined {
  const named = command.opts<Partial<HeadFiles>>()
  const files: Partial<Record<keyof HeadFiles, string>> = {}
  let place = 0
  for (const name of NAMES) {
    const file = named[name] ?? command.args[place++]
    if (file !== undefined) files[name] = file
  }
  if (place < command.args.length)
    command.error(`error: ${command.args.slice(place).join(' ')} is more than queries, keys and values`)
  const missing = NAMES.filter((name) => files[name] === undefined)
  if (missing.length === NAMES.length) return undefined
  if (missing.length > 0) command.error(`error: ${missing.map((name) => `the ${name}`).join(' and ')} ${lack(missing)}`)
  return files as HeadFiles
}

/** The three files, which must be given. */
export function headFilesOf(command: Command): HeadFiles {
  return headFilesIfAny(command) ?? command.error(`error: queries, keys and values ${lack(NAMES)}`)
}

const lack = (missing: readonly string[]) =>
  `must be given: three files in this order, or ${missing.map((name) => `--${name} <file>`).join(' ')}`
