import { decodeNpy, encodeNpy } from '@sublinear/io'
import { openRows } from '@sublinear/io/node'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { smallDisk } from '@sublinear/cluster/faults'
import type { Attempt, Campaign, Outcome } from '../campaign.ts'
import { randomOf, type Random } from '../random.ts'
import { contents } from '../writers.ts'

const bin = fileURLToPath(new URL('../../../../apps/cli/bin/sublinear.mjs', import.meta.url))
const child = fileURLToPath(new URL('../writer-child.ts', import.meta.url))
/** Milliseconds after which a command is killed at the latest. */
const LATEST = 2500

/** The campaign on writers that are killed, or run out of disk and descriptors, and on readers whose files change. */
export const writers: Campaign = {
  name: 'writers',
  about:
    'kill −9 at a random moment, a full disk, a limit on the size of files, few descriptors, files that change while read: the old file or the new one, whole; a message and no stack; nothing left over after the next run',
  sample: 3,
  round: 40,
  patience: 120,
  units: () => Object.keys(UNITS),
  begin: (unit) => UNITS[unit](),
}

/** Temporary folders, removed when the process ends. */
const folders: string[] = []
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | null
  readonly stderr: string
}

function run(
  command: string,
  args: readonly string[],
  kill?: { readonly after: number; readonly ready?: string },
): Promise<Ended> {
  return new Promise((resolve) => {
    const process_ = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    const stop = () => setTimeout(() => process_.kill('SIGKILL'), kill!.after)
    let timer = kill && kill.ready === undefined ? stop() : undefined
    process_.stdout.on('data', (text: Buffer) => {
      stdout += text.toString()
      if (kill?.ready !== undefined && timer === undefined && stdout.includes(kill.ready)) timer = stop()
    })
    process_.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
    process_.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code, stderr })
    })
  })
}

const sublinear = (args: readonly string[], kill?: { readonly after: number }) =>
  run(process.execPath, [bin, ...args], kill)
const fault = (finding: string, detail: string): Outcome => ({ outcome: 'faulty', finding, detail })
const temporaries = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.tmp'))
const isStack = (text: string) => /^\s+at .*:\d+:\d+/m.test(text)

/** A head in three files, in a folder of its own. */
function head(rows: number): { readonly folder: string; readonly files: readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'campaign-writers-'))
  folders.push(folder)
  const random = randomOf('a head')
  const files = ['q', 'k', 'v'].map((name) => {
    const path = join(folder, `${name}.npy`)
    writeFileSync(path, encodeNpy(random.matrix(rows, 16)))
    return path
  })
  return { folder, files }
}

/** Kills a command at a random moment, looks at its output, lets it run to its end, and looks again. */
function killed(
  command: (files: readonly string[], out: string) => readonly string[],
  isWhole: (bytes: Uint8Array) => boolean,
): () => Attempt {
  return () => {
    const { folder, files } = head(12_000)
    return async (random) => {
      const out = join(folder, 'out')
      const before = random.chance(0.5)
      const old = Buffer.from('what was there before')
      rmSync(out, { force: true })
      if (before) writeFileSync(out, old)
      const { code } = await sublinear(command(files, out), { after: 150 + random.below(LATEST) })
      const now = existsSync(out) ? readFileSync(out) : undefined
      if (now === undefined ? before : !(before && now.equals(old)) && !isWhole(now))
        return fault('a torn file', `${now?.length} bytes`)
      const left = temporaries(folder).length
      if (code !== null) return { outcome: 'ended before it was killed' }
      if (left === 0 || !random.chance(0.5)) return { outcome: left > 0 ? 'killed while it wrote' : 'killed' }
      const again = await sublinear(command(files, out))
      if (again.code !== 0) return fault('the next run fails', again.stderr.slice(0, 200))
      if (temporaries(folder).length > 0) return fault('left over after the next run', temporaries(folder).join())
      return isWhole(readFileSync(out))
        ? { outcome: 'killed while it wrote' }
        : fault('the next run writes another file', '')
    }
  }
}

/** Kills a process that writes two contents in turn. */
function turns(writer: string): () => Attempt {
  return () => {
    const { folder } = head(1)
    const { old, fresh } = contents()
    return async (random) => {
      const out = join(folder, 'turns')
      await run(process.execPath, [child, writer, out], { after: random.below(120), ready: 'ready' })
      const now = existsSync(out) ? readFileSync(out) : undefined
      if (now && !now.equals(old) && !now.equals(fresh)) return fault('a torn file', `${now.length} bytes`)
      const left = temporaries(folder).length
      const { code, stderr } = await run(process.execPath, [child, writer, out, 'once'])
      if (code !== 0) return fault('the next run fails', stderr.slice(0, 300))
      if (temporaries(folder).length > 0) return fault('left over after the next run', temporaries(folder).join())
      return { outcome: left > 0 ? 'killed while it wrote' : 'killed' }
    }
  }
}

/** Runs a command under a limit: it must end well, or say why it cannot and leave the old file. */
function limited(limit: (random: Random) => string, folderOf?: () => ReturnType<typeof smallDisk>): () => Attempt {
  return () => {
    const { folder, files } = head(3000)
    return async (random) => {
      const disk = folderOf?.()
      if (folderOf && !disk) return { outcome: 'not tried: nothing may be mounted here' }
      const out = join(disk?.folder ?? folder, 'out')
      const old = Buffer.from('what was there before')
      writeFileSync(out, old)
      disk?.fill()
      const command = random.pick([
        ['attend', ...files, '--out', out],
        ['compare', ...files, '--budgets', '1/4', '--streams', 'window,mean', '--report', out],
      ])
      const { code, stderr } = await run('bash', [
        '-c',
        `${limit(random)} exec "$0" "$@"`,
        process.execPath,
        bin,
        ...command,
      ])
      const now = readFileSync(out)
      const left = temporaries(disk?.folder ?? folder)
      disk?.free()
      disk?.unmount()
      if (code === 0) return { outcome: 'ended well' }
      if (!now.equals(old)) return fault('failed, and the old file is gone', `${now.length} bytes`)
      if (left.length > 0) return fault('failed, and something is left over', left.join())
      if (isStack(stderr)) return fault('failed with a stack', stderr.slice(0, 300))
      return { outcome: 'failed with a message' }
    }
  }
}

/** Reads rows of a file that shrinks, grows or is written over meanwhile. */
function changing(): Attempt {
  const { folder } = head(1)
  const path = join(folder, 'changing.npy')
  return async (random) => {
    const rows = 4000 + random.below(60_000)
    writeFileSync(path, encodeNpy(random.matrix(rows, 8)))
    const file = await openRows(path)
    const at = random.below(rows)
    let seen = 0
    try {
      for await (const block of file.blocks(256)) {
        if (!block.data.every(Number.isFinite)) return fault('a number that is not finite', `row ${seen}`)
        seen += block.rows
        if (seen < at || seen - block.rows >= at) continue
        const sort = random.pick(['shorter', 'longer', 'other', 'gone'])
        if (sort === 'shorter') truncateSync(path, 128 + random.below(seen * 32))
        else if (sort === 'longer') writeFileSync(path, 'more', { flag: 'a' })
        else if (sort === 'other') writeFileSync(path, new Uint8Array(rows * 32).fill(0xff))
        else rmSync(path)
      }
    } catch (error) {
      const { message, constructor } = error as Error
      if (!/changing\.npy/.test(message))
        return fault(`threw ${constructor.name} without the file’s name`, message.slice(0, 200))
      return { outcome: 'refused' }
    } finally {
      await file.close()
    }
    return seen === rows ? { outcome: 'read' } : fault('fewer rows without a word', `${seen} of ${rows}`)
  }
}

const isAnswer = (bytes: Uint8Array) => {
  try {
    return decodeNpy(bytes).shape[0] === 12_000
  } catch {
    return false
  }
}
const isPage = (bytes: Uint8Array) => /<\/html>\s*$/.test(Buffer.from(bytes).toString())

const UNITS: Readonly<Record<string, () => Attempt>> = {
  'kill −9: attend --out': killed((files, out) => ['attend', ...files, '--out', out], isAnswer),
  'kill −9: attend --error-bars': killed(
    (files, out) => ['attend', ...files, '--stream', 'reservoir', '--out', `${out}-answers`, '--error-bars', out],
    (bytes) => bytes.length > 12_000,
  ),
  'kill −9: compare --report': killed(
    (files, out) => ['compare', ...files, '--budgets', '1/16', '--streams', 'window,mean', '--report', out],
    isPage,
  ),
  'kill −9: rows, one file and another': turns('writeRows'),
  'kill −9: snapshots, one and another': turns('writeWhole'),
  'a full disk': limited(() => '', smallDisk),
  'a limit on the size of files': limited((random) => `ulimit -f ${random.pick([1, 8, 64])};`),
  'few descriptors': limited((random) => `ulimit -n ${random.pick([20, 24, 28, 32, 64])};`),
  'files that change while read': changing,
}
