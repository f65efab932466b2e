/**
 * Memory of the page in a real Chromium: `node browser/memory.ts [large] [reading] [--write]`, with `chromium` on the path or $CHROMIUM_PATH, after `npm run site`. Two questions: is it
 * flat while the model reads 50,000 tokens, and does a dropped file of 1 GB stay where it is? Prints what was measured, exits 1 where a bound is broken, 2 without
 * a browser. `--write` keeps it in memory-result.json, which the README cites.
 */
import {
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  ftruncateSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeNpy } from '@sublinear/io'
import { chromium, type CDPSession } from 'playwright-core'
import { findChromium } from '../../../tools/scripts/chromium.mjs'
import { MANY } from '../src/reading/usual.ts'
import { serve } from './serve.ts'

const dist = fileURLToPath(new URL('../dist', import.meta.url))
const { program, why } = findChromium()
if (!program) {
  console.error(`memory: ${why}`)
  process.exit(2)
}
/** Bytes of a page and its workers: objects, array buffers with the memory of WebAssembly, and what the process holds of the machine. */
interface Held {
  readonly heap: number
  readonly buffers: number
  readonly process: number
}
const GIB = 2 ** 30
const chosen = ['large', 'reading'].filter((part) => process.argv.includes(part))
const parts = chosen.length > 0 ? chosen : ['large', 'reading']
let failed = 0
const check = (name: string, holds: boolean, said: string) => {
  if (!holds) failed++
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${name}: ${said}`)
}
const mb = (bytes: number) => Number((bytes / 1e6).toFixed(1))

const browser = await chromium.launch({
  executablePath: program,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
})
const whole = await browser.newBrowserCDPSession()
const site = await serve(dist)
const folder = mkdtempSync(join(tmpdir(), 'head-'))
try {
  const found = {
    ...(parts.includes('large') && { large: await dropLarge() }),
    ...(parts.includes('reading') && { reading: await readMany() }),
  }
  const file = new URL('./memory-result.json', import.meta.url)
  const before: object = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as object) : {}
  if (process.argv.includes('--write'))
    writeFileSync(file, `${JSON.stringify({ ...before, browser: browser.version(), ...found }, null, 2)}\n`)
} finally {
  await browser.close()
  site.close()
  rmSync(folder, { recursive: true })
}
process.exit(failed > 0 ? 1 : 0)

/** The book again and again, by all bounded methods; a look after each reading. */
async function readMany() {
  const { page, workers } = await opened(`#view=read&times=${MANY}`)
  const looks: (Held & { readonly tokens: number })[] = []
  const state = page.locator('.gauges p.quiet')
  const tokensNow = async () => {
    const [read = 0, of = 1] =
      ((await state.textContent()) ?? '')
        .replaceAll(',', '')
        .match(/\d+(?= of)|(?<=of )\d+/g)
        ?.map(Number) ?? []
    return [read, of] as const
  }
  for (let [read, of] = await tokensNow(); ; [read, of] = await tokensNow()) {
    const part = (await page.getByText('Read to the end.').count()) > 0 ? MANY : Math.floor((read * MANY) / of)
    if (read > 0 && part > looks.length) {
      looks.push({ tokens: read, ...(await held(workers())) })
      console.log(JSON.stringify(looks.at(-1)))
    }
    if (part === MANY) break
    await page.waitForTimeout(500)
  }
  // The first reading fills what has a size; from then on nothing may grow.
  const [first] = looks
  const last = looks.at(-1)!
  const grown = (name: keyof Held) => last[name] - first[name]
  check('tokens read', last.tokens >= 50_000, String(last.tokens))
  check('objects grow by less than 1 MB, MB', grown('heap') < 1e6, String(mb(grown('heap'))))
  check('buffers and WASM grow by less than 1 MB, MB', grown('buffers') < 1e6, String(mb(grown('buffers'))))
  check('the process grows by less than 32 MB, MB', grown('process') < 32e6, String(mb(grown('process'))))
  await page.context().close()
  return {
    looks: looks.map(({ tokens, ...own }) => ({
      tokens,
      heapMB: mb(own.heap),
      buffersMB: mb(own.buffers),
      processMB: mb(own.process),
    })),
  }
}

/** A sparse .npy of 1 GB as the keys, its twin as the values, and a head from their first rows. */
async function dropLarge() {
  const cols = 64
  const rows = GIB / (4 * cols)
  const paths = ['q', 'k', 'v'].map((name, salt) => sparse(join(folder, `${name}.npy`), rows, cols, salt))
  const { page, workers } = await opened('#view=heads&head=diffuse')
  await page.getByRole('heading', { name: /code of the best/ }).waitFor({ timeout: 600_000 })
  const before = await held(workers())
  await page.locator('input[type=file]').setInputFiles(paths)
  let most = before
  for (;;) {
    const now = await held(workers(), false)
    most = {
      heap: Math.max(most.heap, now.heap),
      buffers: Math.max(most.buffers, now.buffers),
      process: Math.max(most.process, now.process),
    }
    if ((await page.getByText(`of ${rows.toLocaleString('en-US')}`).count()) > 0) break
    if ((await page.getByRole('alert').count()) > 0)
      throw new Error((await page.getByRole('alert').textContent()) ?? '')
    await page.waitForTimeout(250)
  }
  const grown = (name: keyof Held) => most[name] - before[name]
  const bytes = 3 * (GIB + 128)
  check(
    'three files of 1 GB each; buffers grow at most by 64 MB, MB',
    grown('buffers') < 64e6,
    String(mb(grown('buffers'))),
  )
  check('objects at most by 64 MB, MB', grown('heap') < 64e6, String(mb(grown('heap'))))
  check('the process at most by 256 MB, MB', grown('process') < 256e6, String(mb(grown('process'))))
  await page.context().close()
  return {
    fileMB: mb(bytes / 3),
    files: 3,
    grownMB: { heap: mb(grown('heap')), buffers: mb(grown('buffers')), process: mb(grown('process')) },
  }
}

/** A .npy file of so many rows: the first have numbers, the rest is a hole of the disk. */
function sparse(path: string, rows: number, cols: number, salt: number): string {
  const some = 4096
  const data = Float32Array.from({ length: some * cols }, (_, i) => Math.sin(i * i * (1 + salt)))
  const bytes = Buffer.from(encodeNpy({ shape: [some, cols], data }))
  const shape = bytes.indexOf(`(${some}, ${cols})`)
  bytes.write(`(${rows}, ${cols}), }   `, shape, 'latin1')
  const file = openSync(path, 'w')
  writeSync(file, bytes)
  ftruncateSync(file, bytes.indexOf('\n') + 1 + 4 * rows * cols)
  closeSync(file)
  return path
}

/** A page of the site, and sessions of its workers. */
async function opened(hash: string) {
  const page = await (await browser.newContext()).newPage()
  const session = await page.context().newCDPSession(page)
  const found = new Map<string, Worker>()
  session.on('Target.attachedToTarget', ({ sessionId }) => found.set(sessionId, workerOf(session, sessionId)))
  session.on('Target.detachedFromTarget', ({ sessionId }) => found.delete(sessionId))
  await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false })
  await page.goto(`${site.url}${hash}`)
  return { page, workers: () => [pageOf(session), ...found.values()] }
}

type Worker = (method: string) => Promise<Record<string, number>>

function pageOf(session: CDPSession): Worker {
  return (method) => session.send(method as never) as Promise<Record<string, number>>
}

/** Calls to a worker, which this protocol passes on as texts. */
function workerOf(session: CDPSession, sessionId: string): Worker {
  let next = 0
  const waiting = new Map<number, (result: Record<string, number>) => void>()
  session.on('Target.receivedMessageFromTarget', (event) => {
    if (event.sessionId !== sessionId) return
    const { id, result } = JSON.parse(event.message) as { id: number; result: Record<string, number> }
    waiting.get(id)?.(result)
  })
  // A worker that ends holds nothing, and answers no more.
  session.on('Target.detachedFromTarget', (event) => {
    if (event.sessionId === sessionId) for (const done of waiting.values()) done({ usedSize: 0 })
  })
  return (method) =>
    new Promise((done) => {
      waiting.set(++next, done)
      session
        .send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id: next, method }) })
        .catch(() => done({ usedSize: 0 }))
    })
}

/** Sums over the page and its workers; of the process, what is its own: resident memory but that of files. */
async function held(all: readonly Worker[], isCollected = true): Promise<Held> {
  let [heap, buffers] = [0, 0]
  for (const one of all) {
    if (isCollected) await one('HeapProfiler.collectGarbage')
    const { usedSize, backingStorageSize } = await one('Runtime.getHeapUsage')
    heap += usedSize
    buffers += backingStorageSize ?? 0
  }
  const { processInfo } = (await whole.send('SystemInfo.getProcessInfo')) as {
    processInfo: { id: number; type: string }[]
  }
  const pages = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => anonymous(id))
  return { heap, buffers, process: Math.max(...pages) }
}

function anonymous(id: number): number {
  if (!existsSync(`/proc/${id}/status`)) return 0 // it has just ended
  const status = readFileSync(`/proc/${id}/status`, 'utf8')
  return 1024 * Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? 0)
}
