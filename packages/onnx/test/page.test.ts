// The example of a page: that everything it loads is there, and what it does, on onnxruntime-web here in Node. No browser runs it here.
// Kills: a package that the import map lacks, a module of Node's in what a page loads, a path out of the served folders.
import { existsSync, readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as web from 'onnxruntime-web'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const example = (file: string) => new URL(`../../../examples/onnx-page/${file}`, import.meta.url)
const isBuilt = existsSync(new URL('../dist/index.js', import.meta.url))

describe.runIf(isBuilt)('the page', () => {
  let server: Server
  let at: string
  beforeAll(async () => {
    server = ((await import(example('serve.mjs').href)) as { server: Server }).server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => server.close())

  it('finds all that it loads', async () => {
    const page = await (await fetch(at)).text()
    const { imports } = JSON.parse(/<script type="importmap">\s*(.*?)\s*<\/script>/s.exec(page)![1]) as {
      imports: Record<string, string>
    }
    const seen = new Set<string>()
    const waiting = ['/read.mjs', imports['onnxruntime-web']]
    while (waiting.length > 0) {
      const path = waiting.pop()!
      if (seen.has(path)) continue
      seen.add(path)
      const answer = await fetch(at + path)
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([path, 200, 'text/javascript'])
      const text = await answer.text()
      if (path.startsWith('/onnxruntime-web/')) continue
      for (const [, name] of text.matchAll(/^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm)) {
        expect(name).not.toMatch(/^node:/)
        waiting.push(name.startsWith('.') ? new URL(name, at + path).pathname : imports[name])
      }
    }
    expect(seen.size).toBeGreaterThan(6)
    for (const path of ['/model.onnx', '/onnxruntime-web/ort-wasm-simd-threaded.wasm'])
      expect((await fetch(at + path)).status).toBe(200)
    for (const path of [
      '/packages/onnx/dist/%2e%2e/package.json',
      '/packages/onnx/package.json',
      '/../README.md',
      '/serve.mjs',
    ])
      expect([path, (await fetch(at + path)).status]).toEqual([path, 404])
  })

  it('reads and goes on', async () => {
    web.env.wasm.numThreads = 1
    const { readAndSay } = (await import(example('read.mjs').href)) as {
      readAndSay(options: object): Promise<number[]>
    }
    const lines: string[] = []
    const files = { 'model.onnx': new Uint8Array(readFileSync(new URL('data/tiny.onnx', import.meta.url))) }
    const said = await readAndSay({ ort: web, files, count: 600, show: (line: string) => lines.push(line) })
    expect(said.length).toBe(8)
    expect(lines[0]).toBe('2 layers, 48 tokens in the vocabulary')
    expect(lines[2]).toMatch(/^\d+ bytes held, where a cache would hold 307200$/)
  })
})
