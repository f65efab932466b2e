#!/usr/bin/env node
/** Writes the demo's tables into docs/demo.md between its demo markers, without their times; a test of the CLI compares them. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const output = execFileSync(process.execPath, [`${root}apps/cli/bin/sublinear.mjs`, 'demo'], { encoding: 'utf8' })
const times = output
  .split('\n')
  .find((line) => line.startsWith('stream '))
  .indexOf('µs a token')
const lines = output
  .trim()
  .split('\n')
  .filter((line) => !/^\d+ tokens summarised/.test(line))
  .map((line) => (/ {2}/.test(line) ? line.slice(0, times).trimEnd() : line)) // times are this machine's
const page = readFileSync(`${root}docs/demo.md`, 'utf8')
const block = `<!-- demo -->\n\`\`\`\n${lines.join('\n')}\n\`\`\`\n<!-- /demo -->`
writeFileSync(`${root}docs/demo.md`, page.replace(/<!-- demo -->[^]*<!-- \/demo -->/, block))
