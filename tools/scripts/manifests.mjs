#!/usr/bin/env node
/**
 * Writes the fields that are alike in every published package.json: where the repository is (tools/release/address.json, the only place that says
 * it), what the package is about, how it is
 * published. `node tools/scripts/manifests.mjs` writes it; a test fails where one differs.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
export const { repository, branch, funding } = JSON.parse(
  readFileSync(join(root, 'tools/release/address.json'), 'utf8'),
)

const KEYWORDS = ['attention', 'streaming', 'sketching', 'sublinear', 'kv-cache', 'long-context', 'wasm']

/** Folders of the packages that are published, from the root. */
export function publicFolders() {
  return ['packages', 'apps']
    .flatMap((room) => readdirSync(join(root, room)).map((name) => `${room}/${name}`))
    .filter((folder) => !manifestOf(folder).private)
    .toSorted()
}

export function manifestOf(folder) {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
}

/** A manifest with the fields that every published package must have. */
export function completed(folder, manifest = manifestOf(folder)) {
  const { name, version, description, license, ...rest } = manifest
  const own = rest.keywords?.filter((word) => !KEYWORDS.includes(word)) ?? []
  const said = {
    keywords: [...KEYWORDS, ...own],
    homepage: `${repository}/tree/${branch}/${folder}#readme`,
    bugs: `${repository}/issues`,
    repository: { type: 'git', url: `git+${repository}.git`, directory: folder },
    funding,
    author: 'The sublinear contributors',
  }
  const files = [...new Set([...(rest.files ?? []), 'CHANGELOG.md'])]
  return {
    name,
    version,
    description,
    ...said,
    license,
    ...rest,
    ...said,
    files,
    publishConfig: { access: 'public', provenance: true },
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const folder of publicFolders())
    writeFileSync(join(root, folder, 'package.json'), `${JSON.stringify(completed(folder), null, 2)}\n`)
}
