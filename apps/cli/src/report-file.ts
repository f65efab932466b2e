import { constants } from 'node:fs'
import { access, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Refuses a place that cannot be written to, before the work that would fill it. */
export async function refuseReport(path: string): Promise<void> {
  await access(dirname(path), constants.W_OK).catch((cause: unknown) => {
    throw new Error(`--report ${path}: its folder cannot be written to`, { cause })
  })
}

/** Writes a text file; it appears complete, or not at all. */
export async function writeWhole(path: string, text: () => string): Promise<void> {
  const part = `${path}.${process.pid}.part`
  try {
    await writeFile(part, text())
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}
