// Copies files of small-lm, which is not published, into this package, which is.
import { cpSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
cpSync(at('../../packages/small-lm/data'), at('dist'), { recursive: true })
