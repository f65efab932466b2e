#!/usr/bin/env node
/**
 * Checks that the built hash and sketch families give the same bytes in Chromium as in Node, on SIMD and on scalar kernels.
 * `node tools/scripts/browser-digests.mjs`, with `chromium` on the path or $CHROMIUM_PATH. One line a family; exits 1 on any
 * difference, 2 without a browser. The golden tests fix the bytes in Node. With `simd` or `scalar` it prints Node's digests.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { findChromium, framesOf } from './chromium.mjs'

const packages = ['kernels', 'core', 'hash-families', 'ams-sketch', 'gaussian-sketch', 'sparse-sketch']
const built = (name) => new URL(`../../packages/${name}/dist/index.js`, import.meta.url)

/** Blocks of 1, 50 and 300 indices below the end; one of them holds the last indices. */
function blocks(end) {
  const starts = [0, 45, 2 ** 31 - 30, 2 ** 32 - 30, 2 ** 40 + 17, 2 ** 52 - 30, end]
  const firsts = (count) => Array.from(new Set(starts.map((start) => Math.min(start, end - count))))
  return [1, 50, 300].flatMap((count) => firsts(count).map((first) => [first, count]))
}

/** SHA-256 by family, then by seed, options and block. A page runs the source of this function and of `blocks`. */
async function digests(wanted, load) {
  if (wanted === 'scalar') WebAssembly.validate = () => false // as on an engine without SIMD
  const { kernels } = await load('kernels')
  if (kernels().name !== wanted) throw new Error(`${kernels().name} kernels instead of ${wanted}`)
  const { bucketHash, fourWiseSigns, polynomialHash, tabulationHash } = await load('hash-families')
  const { amsSketch } = await load('ams-sketch')
  const { gaussianSketch } = await load('gaussian-sketch')
  const { countSketch, osnap, srht } = await load('sparse-sketch')
  const found = {}
  const put = async (family, place, bytes) => {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    found[family] ??= {}
    found[family][place] = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
  const keys = async (family, options, words, fill, one, end = 2 ** 53) => {
    for (const [first, count] of blocks(end)) {
      const out = new Uint32Array(count * words)
      fill(first, count, out)
      await put(family, `${options}, keys ${first} + ${count}`, out)
      const single = Array.from({ length: count }, (_, i) => one(first + i))
      await put(family, `${options}, each key of ${first} + ${count}`, new TextEncoder().encode(single.join()))
    }
  }
  const columns = async (family, options, psi, end = 2 ** 53 - 1) => {
    for (const [first, count] of blocks(end)) {
      const into = { rows: psi.m, cols: count, data: new Float32Array(psi.m * count) }
      const data = Float32Array.from({ length: count * count }, (_, i) => (i % (count + 1) === 0 ? 1 : 0))
      psi.accumulate(into, { rows: count, cols: count, data }, first)
      await put(family, `${options}, columns ${first} + ${count}`, into.data)
    }
  }

  for (const seed of [0, 1, 0x0123456789abcdefn, 2n ** 64n - 1n]) {
    for (const k of [2, 4, 7]) {
      for (const prime of ['2^31-1', '2^61-1']) {
        const { words, fill, value } = polynomialHash({ independence: k, seed, prime, stream: k - 2 })
        await keys(`polynomialHash mod ${prime}`, `seed ${seed}, k = ${k}`, words, fill, value)
      }
    }
    for (const functions of [1, 100]) {
      const signs = fourWiseSigns({ count: functions, seed })
      for (const [first, count] of blocks(2 ** 53)) {
        const words = new Uint32Array(2 * functions)
        signs.words(first - (first % 64), words)
        const width = Math.min(count, 64 - (first % 64))
        const floats = new Float32Array(functions * width)
        signs.fill(first, width, floats, 0.3)
        const single = Int8Array.from({ length: count }, (_, i) => signs.sign(i % functions, first + i))
        for (const [form, bytes] of Object.entries({ words, floats, single }))
          await put('fourWiseSigns', `seed ${seed}, ${functions} functions, ${form} ${first} + ${count}`, bytes)
      }
    }
    for (const characterBits of [5, 8, 16]) {
      const { fill, value, domain } = tabulationHash({ characterBits, seed })
      await keys('tabulationHash', `seed ${seed}, ${characterBits} bits`, 1, fill, value, domain)
    }
    for (const count of [1, 3]) {
      const { fill, bucket } = bucketHash({ count, buckets: count === 1 ? 2 ** 31 : 999, independence: 4, seed })
      await keys('bucketHash', `seed ${seed}, ${count} functions`, count, fill, (key) => bucket(count - 1, key))
    }
    for (const m of [1, 37, 256]) {
      const options = `seed ${seed}, m = ${m}`
      await columns('amsSketch', options, amsSketch({ m, seed }))
      await columns('gaussianSketch', options, gaussianSketch({ m, seed }))
      await columns('countSketch', options, countSketch({ m, seed }))
      for (const s of [1, 7]) await columns('osnap', `${options}, s = ${s}`, osnap({ m: m * s, nonzeros: s, seed }))
      for (const n of [1000, 2 ** 53 - 1]) await columns('srht', `${options}, n = ${n}`, srht({ m, n, seed }), n)
    }
  }
  return found
}

/** Posts of the two pages, each in a frame and so with kernels of its own; an error is posted as its text. */
async function inBrowser(program) {
  const imports = Object.fromEntries(packages.map((name) => [`@sublinear/${name}`, `/${name}.js`]))
  const files = Object.fromEntries(
    packages.map((name) => [`/${name}.js`, { type: 'text/javascript', body: readFileSync(built(name)) }]),
  )
  for (const wanted of ['simd', 'scalar'])
    files[`/${wanted}`] = {
      type: 'text/html',
      body: `<meta charset="utf-8"><script type="importmap">${JSON.stringify({ imports })}</script>
      <script type="module">${blocks} ${digests}
      const found = await digests('${wanted}', (name) => import('@sublinear/' + name)).catch(String)
      await fetch('/${wanted}', { method: 'POST', body: JSON.stringify(found) })</script>`,
    }
  const posted = await framesOf(program, (path) => files[path], ['simd', 'scalar'], 300_000)
  return Object.fromEntries(Object.entries(posted).map(([name, text]) => [name, JSON.parse(text)]))
}

async function compare() {
  const { program, version, why } = findChromium()
  if (!program) return console.error(`browser-digests: no browser: ${why}`) ?? 2
  console.log(`Node ${process.version} and ${version}`)
  const [reference, scalar] = ['simd', 'scalar'].map((kernels) =>
    JSON.parse(execFileSync(process.execPath, [process.argv[1], kernels], { maxBuffer: 2 ** 26 })),
  )
  const { simd, scalar: slow } = await inBrowser(program)
  const others = Object.entries({ 'Node, scalar': scalar, 'Chromium, SIMD': simd, 'Chromium, scalar': slow })
  for (const [who, found] of others) if (typeof found !== 'object') console.log(`${who}: ${found ?? 'no answer'}`)
  const different = Object.entries(reference).filter(([family, wanted]) => {
    const places = Object.keys(wanted)
    const wrong = others.flatMap(([who, found]) =>
      places.filter((place) => found?.[family]?.[place] !== wanted[place]).map((place) => `${who}: ${place}`),
    )
    console.log(wrong.length > 0 ? `DIFFERENT ${family}: ${wrong[0]}` : `same ${family}: ${places.length} digests`)
    return wrong.length > 0
  })
  return different.length > 0 ? 1 : 0
}

if (!process.argv[2]) process.exit(await compare())
console.log(JSON.stringify(await digests(process.argv[2], (name) => import(built(name))), undefined, 1))
