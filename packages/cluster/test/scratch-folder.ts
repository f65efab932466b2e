import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'

/** A folder for the tests of one file, there before the first and gone after the last. */
export function scratchFolder(): () => string {
  let folder = ''
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'sublinear-'))))
  afterAll(() => rm(folder, { recursive: true }))
  return () => folder
}

/** Writes a file of that name; returns its path. */
export async function written(folder: string, name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}
