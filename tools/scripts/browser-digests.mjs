#!/usr/bin/env node
/**
 * The built hash and sketch families in Chromium and in Node, on the SIMD and on the scalar kernels: the same bytes?
 * `node tools/scripts/browser-digests.mjs`, with $CHROMIUM_PATH or `chromium` on the path. One line a family; exits 1 on any
 * difference and 2 without a browser. The golden tests fix the bytes in Node, so `same` carries them to Chromium.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'

const packages = ['kernels', 'core', 'hash-families', 'ams-sketch', 'gaussian-sketch', 'sparse-sketch']
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync']
const quiet = ['--disable-background-networking', '--disable-component-update']
const built = (name) => new URL(`../../packages/${name}/dist/index.js`, import.meta.url)

/** SHA-256 by family and by seed, options and first index. Runs in Node and, as its own source, in a page: it uses nothing outside. */
async function digests(wanted, load) {
  if (wanted === 'scalar') WebAssembly.validate = () => false // an engine without SIMD, before the packages choose their kernels
  const { kernels } = await load('kernels')
  if (kernels().name !== wanted) throw new Error(`${kernels().name} kernels instead of ${wanted}`)
  const { bucketHash, fourWiseSigns, polynomialHash, tabulationHash } = await load('hash-families')
  const { amsSketch } = await load('ams-sketch')
  const { gaussianSketch } = await load('gaussian-sketch')
  const { countSketch, osnap, srht } = await load('sparse-sketch')

  const last = 2 ** 53 - 1
  const firsts = [0, 45, 2 ** 31 - 90, 2 ** 32 - 30, 2 ** 40 + 17, 2 ** 52 - 99, last - 200]
  const found = {}
  const put = async (family, place, array) => {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', array))
    found[family] = { ...found[family], [place]: Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('') }
  }
  /** 200 keys from each place on in a block, and 20 of them one by one. */
  const keys = async (family, options, words, { fill, one }, domain = 2 ** 53) => {
    for (const first of new Set(firsts.map((first) => Math.min(first + 1, domain - 200)))) {
      const out = new Uint32Array(200 * words)
      fill(first, 200, out)
      await put(family, `${options}, keys ${first} …`, out)
      const single = Array.from({ length: 20 }, (_, i) => one(first + 10 * i))
      await put(family, `${options}, single keys ${first} …`, new TextEncoder().encode(single.join()))
    }
  }
  /** 200 columns of Ψ from each place on, and the first of them alone. */
  const columns = async (family, options, psi, end = last) => {
    for (const first of new Set(firsts.map((first) => Math.min(first, end - 200)))) {
      for (const count of [200, 1]) {
        const into = { rows: psi.m, cols: count, data: new Float32Array(psi.m * count) }
        const identity = { rows: count, cols: count, data: new Float32Array(count * count) }
        for (let i = 0; i < count; i++) identity.data[i * count + i] = 1
        psi.accumulate(into, identity, first)
        await put(family, `${options}, ${count} columns from ${first}`, into.data)
      }
    }
  }

  for (const seed of [0, 1, 0x0123456789abcdefn, 2n ** 64n - 1n]) {
    for (const prime of ['2^31-1', '2^61-1']) {
      for (const [independence, stream] of [2, 4, 7].map((k) => [k, k === 7 ? 2 ** 32 - 1 : 0])) {
        const hash = polynomialHash({ independence, seed, prime, stream })
        const use = { fill: hash.fill, one: hash.value }
        await keys(`polynomialHash mod ${prime}`, `seed ${seed}, k = ${independence}`, hash.words, use)
      }
    }
    for (const characterBits of [4, 8, 16]) {
      const { fill, value, domain } = tabulationHash({ characterBits, seed })
      await keys('tabulationHash', `seed ${seed}, ${characterBits} bits`, 1, { fill, one: value }, domain)
    }
    for (const [count, buckets] of [[1, 2 ** 31], [3, 999]]) { // prettier-ignore
      const { fill, bucket } = bucketHash({ count, buckets, independence: 4, seed })
      await keys('bucketHash', `seed ${seed}, ${buckets}`, count, { fill, one: (key) => bucket(count - 1, key) })
    }
    for (const count of [1, 100]) {
      const signs = fourWiseSigns({ count, seed })
      for (const first of firsts) {
        const words = new Uint32Array(2 * count)
        signs.words(first - (first % 64), words)
        const floats = new Float32Array(count * (64 - (first % 64)))
        signs.fill(first, 64 - (first % 64), floats, 0.3)
        const single = Int8Array.from({ length: 200 }, (_, i) => signs.sign(i % count, first + i))
        for (const part of [words, floats, single])
          await put('fourWiseSigns', `seed ${seed}, ${count}, ${part.constructor.name} at ${first}`, part)
      }
    }
    for (const m of [1, 37, 256]) {
      const options = `seed ${seed}, m = ${m}`
      await columns('amsSketch', options, amsSketch({ m, seed }))
      await columns('gaussianSketch', options, gaussianSketch({ m, seed }))
      await columns('countSketch', options, countSketch({ m, seed }))
      await columns('srht', options, srht({ m, n: last, seed }))
      await columns('srht', `${options}, n = 1000`, srht({ m, n: 1000, seed }), 1000)
      for (const nonzeros of [1, 4, 7]) await columns('osnap', options, osnap({ m: m * nonzeros, nonzeros, seed }))
    }
  }
  return found
}

const inNode = async (wanted) => (await once(new Worker(new URL(import.meta.url), { workerData: wanted }), 'message'))[0]

/** What both pages post: each is a frame, hence an engine of its own. */
async function inBrowser(browser) {
  const imports = Object.fromEntries(packages.map((name) => [`@sublinear/${name}`, `/${name}.js`]))
  const page = (wanted) => `<script type="importmap">${JSON.stringify({ imports })}</script><script type="module">
    const found = await (${digests})('${wanted}', (name) => import('@sublinear/' + name)).catch((error) => String(error))
    await fetch('/${wanted}', { method: 'POST', body: JSON.stringify(found) })</script>`
  const html = { '/': '<iframe src="/simd"></iframe><iframe src="/scalar"></iframe>' }
  for (const wanted of ['simd', 'scalar']) html[`/${wanted}`] = page(wanted)
  const profile = mkdtempSync(join(tmpdir(), 'browser-digests-'))
  const posted = {}
  const done = Promise.withResolvers()
  const server = createServer(async ({ method, url }, response) => {
    const name = packages.find((name) => url === `/${name}.js`)
    response.setHeader('content-type', name ? 'text/javascript' : 'text/html; charset=utf-8')
    if (method !== 'POST') return response.writeHead(name || html[url] ? 200 : 404).end(name ? readFileSync(built(name)) : html[url])
  })
  return { profile, posted, done, server, browser }
}
