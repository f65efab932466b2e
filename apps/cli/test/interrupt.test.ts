// Ctrl-C as a terminal sends it, in every command that takes long over files: at the first the command ends by itself with 130 and leaves no file, at the
// second it is gone at once. Kills: a search that never lets the event loop run (a signal is then seen at its end alone), a handler that keeps the
// second signal too.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeNpy } from '@sublinear/io'
import { random } from '@sublinear/laws'
import { afterAll, beforeAll, expect, test } from 'vitest'

const bin = fileURLToPath(new URL('../bin/sublinear.mjs', import.meta.url))
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sublinear-interrupt-'))
  for (const [i, name] of ['q', 'k', 'v'].entries())
    writeFileSync(join(folder, `${name}.npy`), encodeNpy(random(24_000, 32, i)))
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stderr: string
  /** Seconds from the first signal to the end. */
  readonly seconds: number
}

/** Has the command set its handlers? */
function isListening(pid: number): boolean {
  const file = `/proc/${pid}/status`
  return (Number.parseInt(/^SigCgt:\t(\w+)$/m.exec(readFileSync(file, 'utf8'))![1].slice(-8), 16) & 1) > 0 // SIGHUP: Node has its own for SIGINT from the start
}

/** Sends SIGINT once it is at work, and again `again` milliseconds later. */
function interrupted(args: readonly string[], again?: number): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [bin, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    let [stderr, since] = ['', 0]
    child.stderr.on('data', (text) => (stderr += text))
    const poll = setInterval(() => {
      if (!isListening(child.pid!)) return
      clearInterval(poll)
      setTimeout(() => {
        since = performance.now()
        child.kill('SIGINT')
        if (again !== undefined) setTimeout(() => child.kill('SIGINT'), again)
      }, 200)
    }, 20)
    child.on('close', (code, signal) => resolve({ code, signal, stderr, seconds: (performance.now() - since) / 1000 }))
  })
}

const files = ['q.npy', 'k.npy', 'v.npy']
const COMMANDS = [
  ['plan', ...files],
  ['compare', ...files, '--streams', 'auto,farKeys,clusters', '--report', 'late.html'],
  ['attend', ...files, '--out', 'late.npy', '--stream', 'exact'],
  ['recover', ...files],
]

/** Seconds by the clock for a second of CPU: 1 on an idle machine. */
function crowding(): number {
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const spent = () => {
    const { user, system } = process.cpuUsage(cpu)
    return (user + system) / 1000
  }
  while (spent() < 200);
  return (performance.now() - start) / spent()
}

/** Half a second of the command's own work is what a user waits; as much again for a machine that is more crowded now than when it was measured. */
const within = () => 0.5 + crowding()

test.runIf(process.platform === 'linux').each(COMMANDS.map((args) => ({ args, name: args[0] })))(
  '$name stops at the first',
  async ({ args }) => {
    const { code, signal, stderr, seconds } = await interrupted(args)
    expect([code, signal]).toEqual([130, null])
    expect(stderr).toContain('interrupted; no unfinished file was left behind')
    expect(seconds).toBeLessThan(within())
    expect(readdirSync(folder).toSorted()).toEqual(files.toSorted())
  },
)

test.runIf(process.platform === 'linux').each(COMMANDS.slice(0, 2).map((args) => ({ args, name: args[0] })))(
  '$name is gone at the second',
  async ({ args }) => {
    const { code, signal, seconds } = await interrupted(args, 20)
    // Where the command has ended and Node is putting its handlers away, the signal itself kills it: a shell says 130 of that, too.
    expect(signal === 'SIGINT' ? 130 : code).toBe(130)
    expect(seconds).toBeLessThan(within())
  },
)
