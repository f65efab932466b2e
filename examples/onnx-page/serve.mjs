// Serves the page beside it, with the built packages: node examples/onnx-page/serve.mjs, then http://127.0.0.1:8080
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const packages = join(here, '../../packages')
const runtime = join(packages, 'onnx/node_modules/onnxruntime-web/dist')
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
}

/** Where a page finds each package. */
export function imports() {
  const built = readdirSync(packages).filter((name) => existsSync(join(packages, name, 'dist/index.js')))
  const own = built.map((name) => [`@sublinear/${name}`, `/packages/${name}/dist/index.js`])
  return Object.fromEntries([...own, ['onnxruntime-web', '/onnxruntime-web/ort.wasm.min.mjs']])
}

/** The file of a path of the page; undefined: none that is served. */
function fileOf(path) {
  if (path === '/model.onnx') return join(packages, 'onnx/test/data/tiny.onnx')
  if (path === '/read.mjs') return join(here, 'read.mjs')
  const [, first, ...rest] = normalize(path).split(/[/\\]/)
  if (first === 'onnxruntime-web' && rest.length === 1) return join(runtime, rest[0])
  if (first === 'packages' && rest[1] === 'dist' && !rest.includes('..')) return join(packages, ...rest)
  return undefined
}

export const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://page')
  const path = decodeURIComponent(pathname)
  if (path === '/') {
    const page = readFileSync(join(here, 'index.html'), 'utf8')
    const text = page.replace('/*imports*/', JSON.stringify({ imports: imports() }))
    return response.writeHead(200, { 'content-type': TYPES['.html'] }).end(text)
  }
  const file = fileOf(path)
  if (!file || !existsSync(file)) return response.writeHead(404).end()
  response
    .writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' })
    .end(readFileSync(file))
})

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  server.listen(8080, '127.0.0.1', () => console.log('http://127.0.0.1:8080'))
}
