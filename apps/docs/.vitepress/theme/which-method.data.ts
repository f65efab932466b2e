import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { traitsOf, whichRows, type FullBoard, type MethodTraits, type WhichRow } from './which-rows'

const root = fileURLToPath(new URL('../../../..', import.meta.url))

export interface WhichData {
  readonly rows: readonly WhichRow[]
  readonly traits: Readonly<Record<string, MethodTraits>>
}

declare const data: WhichData
export { data }

/** What the table shows, read when the site is built. */
export default {
  watch: ['../../../../evidence/board/full.json', '../../../../docs/methods.md'],
  load: (): WhichData => ({
    rows: whichRows(JSON.parse(readFileSync(`${root}evidence/board/full.json`, 'utf8')) as FullBoard),
    traits: traitsOf(readFileSync(`${root}docs/methods.md`, 'utf8')),
  }),
}
