// docs/bundles.md says what the check of sizes keeps. Kills: a limit left out, a limit raised without the page.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { bundlesPage } from '../bundle-page.mjs'

it('lists the limits that are checked', () => {
  const limits = JSON.parse(readFileSync(new URL('../bundle-sizes.json', import.meta.url), 'utf8'))
  const page = readFileSync(new URL('../../../docs/bundles.md', import.meta.url), 'utf8')
  expect(page).toBe(bundlesPage(limits))
  expect(bundlesPage({ 'f from kernels': 1.5 })).toContain('| f | kernels | 1.5 |')
})
