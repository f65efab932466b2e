#!/usr/bin/env node
import { existsSync } from 'node:fs'

const built = new URL('../dist/main.js', import.meta.url)
if (!existsSync(built)) {
  console.error('sublinear is not built yet: run `npm run demo` once, or `pnpm build`.')
  process.exit(1)
}
await import(built)
