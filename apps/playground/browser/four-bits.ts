/**
 * Models with four-bit weights in a real Chromium: `node browser/four-bits.ts`, after the packages are built, with `chromium` on the path or $CHROMIUM_PATH. The page
 * of examples/onnx-page opens them with the check, as onnxruntime-web has them there, and gives the logits that it gives in Node. A line a check; exits 1 where one
 * fails, 2 without a browser.
 */
import type { AddressInfo } from 'node:net'
import { chromium } from 'playwright-core'
import { findChromium } from '../../../tools/scripts/chromium.mjs'
import { llama, type LlamaOptions } from '../../../packages/onnx/test/models/llama.ts'

const TOKENS = 200
/** The largest difference of logits: the same WebAssembly runs in both. */
const MOST = 1e-5
const MODELS: Readonly<Record<string, LlamaOptions>> = {
  'three layers': { dialect: 'gqa', nibbles: true, hidden: 64 },
  'three layers, the head in four bits, the embedding in float16': {
    dialect: 'gqa',
    nibbles: true,
    smallEnds: true,
    hidden: 64,
    vocabulary: 64,
  },
  'eight layers of 512, written out': {
    dialect: 'decomposed',
    nibbles: true,
    layers: 8,
    width: 512,
    d: 64,
    hidden: 1536,
    vocabulary: 2048,
  },
}

interface Reading {
  readonly logits?: readonly number[]
  readonly refused?: string
}

/** Opens a model, reads tokens through exact streams in blocks and one by one, and gives the last logits: the same in a page and in Node. */
async function reading({ url, count }: { readonly url: string; readonly count: number }): Promise<Reading> {
  const ort = await import('onnxruntime-web')
  const { onnxModel } = await import('@sublinear/onnx')
  const { exactStream } = await import('@sublinear/attention')
  ort.env.wasm.numThreads = 1
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer())
  try {
    const model = await onnxModel({ model: bytes, ort, session: { logSeverityLevel: 3 } })
    const reader = model.reader({ stream: exactStream })
    const ids = Array.from({ length: count }, (_, i) => (i * i) % model.vocabulary)
    await reader.read(ids, 'none')
    for (const id of ids.slice(0, 7)) await reader.read([id], 'none')
    const { data } = await reader.read([5], 'last')
    await model.release()
    return { logits: Array.from(data) }
  } catch (error) {
    return { refused: (error as Error).message }
  }
}

const { program, why } = findChromium()
if (!program) {
  console.error(`four-bits: ${why}`)
  process.exit(2)
}
let failed = 0
function check(name: string, holds: boolean, said: string): void {
  if (!holds) failed++
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${name}: ${said}`)
}

/** The largest difference, as a share of the largest number. */
function difference(own: readonly number[], truth: readonly number[]): number {
  const size = Math.max(...truth.map(Math.abs))
  return Math.max(...truth.map((x, i) => Math.abs(x - own[i]))) / size
}

const { server } = await import('../../../examples/onnx-page/serve.mjs')
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
const browser = await chromium.launch({
  executablePath: program,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
})
try {
  const page = await browser.newPage()
  let model: Uint8Array = llama(MODELS['three layers']).files()['model.onnx']
  await page.route('**/model.onnx', (route) => route.fulfill({ body: Buffer.from(model) }))
  await page.goto(url)
  const inPage = () => page.evaluate(reading, { url: '/model.onnx', count: TOKENS })
  for (const [name, options] of Object.entries(MODELS)) {
    model = llama(options).files()['model.onnx']
    const there = await inPage()
    const here = await reading({ url: URL.createObjectURL(new Blob([model])), count: TOKENS })
    const most = there.logits && here.logits ? difference(there.logits, here.logits) : Infinity
    check(
      name,
      most < MOST,
      there.refused ?? here.refused ?? `logits of the page and of Node differ by ${most.toExponential(1)}`,
    )
  }
  model = llama({ dialect: 'decomposed', tiled: true, nibbles: true, hidden: 64 }).files()['model.onnx']
  const { refused = 'it opened' } = await inPage()
  check('keys that repeat in another order are refused', refused.includes('gives something else'), refused)
} finally {
  await browser.close()
  server.close()
}
process.exit(failed > 0 ? 1 : 0)
