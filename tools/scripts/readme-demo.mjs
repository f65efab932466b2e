#!/usr/bin/env node
/** Writes the demo's lines for three heads into README.md between its demo markers; a test of the CLI compares them. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const output = execFileSync(process.execPath, [`${root}apps/cli/bin/sublinear.mjs`, 'demo'], { encoding: 'utf8' })
const lines = output.split('\n').filter((line) => /^(head|sharp 0\.1|sharp 2\.1|bounded 2\.0) /.test(line))
const readme = readFileSync(`${root}README.md`, 'utf8')
const block = `<!-- demo -->\n\`\`\`\n${lines.join('\n')}\n\`\`\`\n<!-- /demo -->`
writeFileSync(`${root}README.md`, readme.replace(/<!-- demo -->[^]*<!-- \/demo -->/, block))
