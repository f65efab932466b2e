#!/usr/bin/env node
/**
 * Builds the two sites into `site/`: the documentation with the pages of the API at its root, the playground below it. `node tools/scripts/site.mjs`, once the packages are built; a link between
 * pages that leads nowhere ends it with 1. `--without-api` leaves the pages of the API as they are, or out. Any server of files can serve the folder; under a path of its own, set $DOCS_BASE to it.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = (app, tool, ...args) =>
  execFileSync(`${root}apps/${app}/node_modules/.bin/${tool}`, args, { cwd: `${root}apps/${app}`, stdio: 'inherit' })

execFileSync(process.execPath, [`${root}apps/playground/browser/sample-model.ts`], { stdio: 'inherit' })
if (!process.argv.includes('--without-api'))
  execFileSync(process.execPath, [`${root}tools/scripts/api.mjs`], { stdio: 'inherit' })
run('playground', 'vite', 'build', '--logLevel', 'warn')
run('docs', 'vitepress', 'build', '.')
rmSync(`${root}site`, { recursive: true, force: true })
cpSync(`${root}apps/docs/dist`, `${root}site`, { recursive: true })
cpSync(`${root}apps/playground/dist`, `${root}site/playground`, { recursive: true })
console.log('site: documentation at /, playground at /playground/')
