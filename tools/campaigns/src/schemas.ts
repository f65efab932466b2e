import './sources.ts'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The schemas of docs/format.md, written between their markers from the code that reads by them: `node tools/campaigns/src/schemas.ts`; with `--check` it fails where the page differs. */
const page = fileURLToPath(new URL('../../../docs/format.md', import.meta.url))
const { schemaText } = await import('@sublinear/core')
const { frequentItemsSchema } = await import('../../../packages/sparse-recovery/src/saved-frequent-items.ts')
const { heavyHittersSchema } = await import('../../../packages/sparse-recovery/src/saved-heavy-hitters.ts')

let text = readFileSync(page, 'utf8')
const before = text
for (const one of [frequentItemsSchema, heavyHittersSchema]) {
  const { kind } = one.fields
  text = text.replace(
    new RegExp(`(<!-- schema:${kind} -->\\n)[\\s\\S]*?(<!-- /schema -->)`),
    (_, begin: string, end: string) => `${begin}\n${schemaText(one)}\n\n${end}`,
  )
}
if (process.argv.includes('--check')) process.exitCode = text === before ? 0 : 1
else if (text !== before) writeFileSync(page, text)
