#!/usr/bin/env node
/**
 * Builds both sites and looks at them in Chromium: `node tools/scripts/site-smoke.mjs`, once the packages are built. A link between pages that leads nowhere fails it, with a browser
 * or without one. The pages of the API are left out: `npm run check` makes them. Chromium is found as `runtimes` finds it; without one it says NOT TRIED.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { findChromium } from './chromium.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = (script, env = {}, ...args) =>
  spawnSync(process.execPath, [`${root}${script}`, ...args], { stdio: 'inherit', env: { ...process.env, ...env } })
    .status

let status = run('tools/scripts/site.mjs', {}, '--without-api')
if (status === 0) {
  const { program, why } = findChromium()
  if (program) status = run('apps/playground/browser/smoke.ts', { CHROMIUM_PATH: program })
  else console.error(`NOT TRIED: the sites in Chromium (${why})`)
}
process.exitCode = status ?? 1
