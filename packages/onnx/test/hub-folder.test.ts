// Fetching a model from a server of a hub's shape, here. Kills: a file that is begun again where it broke off, a part of another version gone on with,
// a checksum that is not looked at, a half file left in place, names of any kind that lead out of the cache, links that do, an answer that has no end.
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { filesInFolder } from '../src/files-in-folder'
import { hubFolder, type HubFolderOptions } from '../src/hub-folder'
import { onnxModel } from '../src/onnx-model'
import { llama } from './models/llama'

const { 'model.onnx': graph, 'weights.bin': weights } = llama({ dialect: 'gqa', vocabulary: 509, hidden: 512 }).files({
  data: 'weights.bin',
})
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let server: Server
let host: string
let files: Record<string, Uint8Array>
let asked: { path: string; range?: string }[]
/** Breaks a file off behind so many bytes, once. */
let breaks: Map<string, number>
let special: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
let root: string
let cache: string

beforeAll(async () => {
  server = createServer((request, response) => {
    if (special?.(request, response)) return
    const path = decodeURIComponent(request.url!).replace('/me/tiny/resolve/main/', '')
    const { range } = request.headers
    asked.push({ path, ...(range !== undefined && { range }) })
    const bytes = files[path]
    if (!bytes) return void response.writeHead(404).end()
    const etag = `"${sha(bytes)}"`
    const isSame = request.headers['if-range'] === etag
    const from = range !== undefined && isSame ? Number(/^bytes=(\d+)-$/.exec(range)![1]) : 0
    if (from >= bytes.length) return void response.writeHead(416).end()
    const head = { etag, 'content-length': bytes.length - from }
    if (from > 0)
      response.writeHead(206, { ...head, 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` })
    else response.writeHead(200, head)
    const end = breaks.get(path)
    breaks.delete(path)
    if (end === undefined) response.end(bytes.subarray(from))
    else response.write(bytes.subarray(from, end), () => setTimeout(() => response.destroy(), 50))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())
beforeEach(() => {
  files = { 'onnx/model.onnx': graph, 'onnx/weights.bin': weights, 'config.json': new TextEncoder().encode('{}') }
  asked = []
  breaks = new Map()
  special = undefined
  root = mkdtempSync(join(tmpdir(), 'sublinear-hub-cache-'))
  cache = join(root, 'cache')
})
afterEach(() => rmSync(root, { recursive: true }))

const fetched = (more: Partial<HubFolderOptions> = {}) => hubFolder({ host, model: 'me/tiny', cache, ...more })
/** All that was written, by paths from the root. */
const written = () => readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted()

describe('a model from a hub', () => {
  it('opens from the cache, where nothing is fetched twice', async () => {
    const seen = new Map<string, number>()
    const folder = await fetched({ onProgress: (file, bytes) => seen.set(file, bytes) })
    expect(folder.startsWith(cache)).toBe(true)
    expect(seen.get('onnx/weights.bin')).toBe(weights.length)
    const model = await onnxModel({ model: filesInFolder(join(folder, 'onnx/model.onnx')), ort })
    expect(model.layers.length).toBe(3)
    await model.release()
    const before = asked.filter(({ path }) => files[path]).length
    expect(before).toBe(3)
    await fetched()
    expect(asked.filter(({ path }) => files[path]).length).toBe(before)
    expect(written().filter((name) => name.includes('.part'))).toEqual([])
  })

  it('goes on where a file broke off', async () => {
    breaks.set('onnx/weights.bin', 30_000)
    await expect(fetched()).rejects.toThrow(/weights.bin broke off$/)
    const folder = await fetched()
    expect(asked.at(-1)).toEqual({ path: 'onnx/weights.bin', range: 'bytes=30000-' })
    expect(sha(readFileSync(join(folder, 'onnx/weights.bin')))).toBe(sha(weights))
  })

  it('begins again where the file is another by now', async () => {
    breaks.set('onnx/weights.bin', 30_000)
    await expect(fetched()).rejects.toThrow(/broke off/)
    const other = Uint8Array.from(weights, (byte) => byte ^ 1)
    files['onnx/weights.bin'] = other
    const folder = await fetched()
    expect(sha(readFileSync(join(folder, 'onnx/weights.bin')))).toBe(sha(other))
  })

  it('refuses another checksum, the server’s or the caller’s, and leaves nothing of it', async () => {
    await expect(fetched({ sha256: { 'onnx/weights.bin': '0'.repeat(64) } })).rejects.toThrow(
      /weights.bin has another SHA-256/,
    )
    expect(written().filter((name) => name.includes('weights'))).toEqual([])
    special = (request, response) => {
      if (!request.url!.endsWith('weights.bin')) return false
      response.writeHead(200, { etag: `"${sha(graph)}"` }).end(weights)
      return true
    }
    await expect(fetched()).rejects.toThrow(/another SHA-256/)
    expect(written().filter((name) => name.includes('weights'))).toEqual([])
  })

  it('is interrupted, and says what is not there', async () => {
    await expect(fetched({ signal: AbortSignal.abort() })).rejects.toThrow(/was interrupted/)
    await expect(fetched({ file: 'onnx/model_q4.onnx' })).rejects.toThrow(/model_q4.onnx is not there/)
    delete files['onnx/weights.bin']
    await expect(fetched()).rejects.toThrow(/weights.bin is not there/)
    special = (_, response) => Boolean(response.writeHead(500).end())
    await expect(fetched({ cache: join(root, 'other') })).rejects.toThrow(/answers 500/)
    await expect(fetched({ host: 'http://127.0.0.1:1', cache: join(root, 'third') })).rejects.toThrow(/does not answer/)
  })

  it('refuses files longer than was said or may be', async () => {
    await expect(fetched({ mostBytes: weights.length - 1 })).rejects.toThrow(/more than/)
    special = (request, response) => {
      if (!request.url!.endsWith('weights.bin')) return false
      const more = () => response.write(new Uint8Array(65_536), more) // without an end
      response.on('close', () => response.removeAllListeners('drain'))
      more()
      return true
    }
    await expect(fetched({ mostBytes: 300_000 })).rejects.toThrow(/sends more than 300000 bytes/)
  })
})

describe('hostile names', () => {
  const texts = [
    '../up',
    '..',
    '.',
    '/etc/passwd',
    'a//b',
    'a/../../b',
    'a\\..\\b',
    'C:',
    'a\0b',
    '',
    'x.part',
    '%2e%2e/x',
    '....',
    '.../x',
  ]
  it.each(texts)('%j is refused as model, revision and file', async (text) => {
    for (const more of [{ model: `me/${text}` }, { model: `${text}/tiny` }, { revision: text }, { file: text }])
      await expect(fetched(more)).rejects.toThrow(RangeError)
    for (const odd of ['file:///etc', 'ftp://x', 'nonsense']) await expect(fetched({ host: odd })).rejects.toThrow()
    expect(asked).toEqual([])
    expect(written().every((name) => name === 'cache' || name.startsWith('cache/'))).toBe(true)
  })

  it('of data files in a graph are refused before anything is fetched', async () => {
    for (const name of ['../../../../out.bin', '/out.bin', 'a/../../out.bin', 'x.part']) {
      files['onnx/model.onnx'] = llama({ dialect: 'gqa' }).files({ data: name })['model.onnx']
      rmSync(cache, { recursive: true, force: true })
      await expect(fetched()).rejects.toThrow(RangeError)
    }
    expect(asked.some(({ path }) => /out|\.part/.test(path))).toBe(false)
    expect(written().every((name) => name.startsWith('cache'))).toBe(true)
  })

  it('links in the cache that lead out of it are not followed', async () => {
    const outside = join(root, 'outside')
    mkdirSync(outside)
    const own = join(cache, new URL(host).host.replace(':', '_'), 'me/tiny')
    mkdirSync(own, { recursive: true })
    symlinkSync(outside, join(own, 'main'))
    await expect(fetched()).rejects.toThrow(/leads out of the cache/)
    rmSync(join(own, 'main'))
    mkdirSync(join(own, 'main/onnx'), { recursive: true })
    writeFileSync(join(outside, 'kept'), 'kept')
    symlinkSync(join(outside, 'kept'), join(own, 'main/onnx/model.onnx.part'))
    await expect(fetched()).rejects.toThrow(/no plain file/)
    expect(readdirSync(outside)).toEqual(['kept'])
    expect(readFileSync(join(outside, 'kept'), 'utf8')).toBe('kept')
    expect(existsSync(join(own, 'main/onnx/model.onnx'))).toBe(false)
  })
})
