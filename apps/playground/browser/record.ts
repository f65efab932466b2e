/**
 * Writes src/reading/recorded.json: bytes and answers of the reading on the first page before any click, which fill the seconds until the model is there:
 * `node browser/record.ts`. A test reads a part of the text again and compares.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { recording } from './recording.ts'

const path = fileURLToPath(new URL('../src/reading/recorded.json', import.meta.url))
writeFileSync(path, `${JSON.stringify(recording())}\n`)
