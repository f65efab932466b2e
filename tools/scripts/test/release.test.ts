// What is published says where it comes from. Kills: a package forgotten, an address typed by hand, links that lead nowhere from npm, pictures as pages.
import { describe, expect, it } from 'vitest'
import { branch, completed, manifestOf, publicFolders, repository } from '../manifests.mjs'
import { linkedFromNpm } from '../npm-links.mjs'

describe.each(publicFolders())('%s', (folder) => {
  it('has the fields of a published package, as `node tools/scripts/manifests.mjs` writes them', () => {
    expect(manifestOf(folder)).toEqual(completed(folder))
  })
})

it('links of a README lead to the repository', () => {
  const at = `${repository}/blob/${branch}`
  expect(linkedFromNpm('[a](../core) [b](src/index.ts#L3) ![c](../../tools/x.svg)', 'packages/kv-cache')).toBe(
    `[a](${at}/packages/core) [b](${at}/packages/kv-cache/src/index.ts#L3) ![c](${repository}/raw/${branch}/tools/x.svg)`,
  )
  expect(linkedFromNpm('[a](https://x.y/z) [b](#here) [c](mailto:a@b.c)', 'packages/core')).toBe(
    '[a](https://x.y/z) [b](#here) [c](mailto:a@b.c)',
  )
})
