import './sources.ts'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Writes the schemas of docs/format.md between their markers, from the code that reads by them: `node tools/campaigns/src/schemas.ts`; with `--check`
 * it fails where the page differs.
 */
const page = fileURLToPath(new URL('../../../docs/format.md', import.meta.url))
const { schemaText } = await import('@sublinear/core')
const { KINDS, PARTS } = await import('./published.ts')

const shown = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ')
const alike = new Map<string, string[]>()
for (const [kind, parts] of Object.entries(KINDS))
  alike.set(parts.join(', '), [...(alike.get(parts.join(', ')) ?? []), kind])
const kinds = [
  '| kinds | parts |',
  '| --- | --- |',
  ...Array.from(alike, ([parts, names]) => `| ${shown(names)} | ${parts} |`),
]
const sections: Record<string, string> = {
  kinds: kinds.join('\n'),
  ...Object.fromEntries(Object.entries(PARTS).map(([name, one]) => [name, schemaText(one)])),
}

let text = readFileSync(page, 'utf8')
const before = text
for (const [name, section] of Object.entries(sections)) {
  const place = new RegExp(`(<!-- schema:${name} -->\\n)[\\s\\S]*?(<!-- /schema -->)`)
  if (!place.test(text)) throw new Error(`schemas: docs/format.md has no place for ${name}`)
  text = text.replace(place, (_, begin: string, end: string) => `${begin}\n${section}\n\n${end}`)
}
if (process.argv.includes('--check')) process.exitCode = text === before ? 0 : 1
else if (text !== before) writeFileSync(page, text)
