import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { gzipSync } from 'node:zlib'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
}

/** Kinds of files that hosts compress. */
const PACKED = new Set(['.html', '.js', '.css', '.svg', '.txt', '.wasm'])

/** Serves a folder on a port of this machine, with these headers, packed by gzip as hosts of static files do. */
export async function serve(
  folder: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly url: string; readonly sent: () => number; close(): void }> {
  let sent = 0
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname)
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path)
    if (!file.startsWith(folder) || !existsSync(file)) {
      response.writeHead(404).end()
      return
    }
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    if (PACKED.has(extname(file)) && request.headers['accept-encoding']?.includes('gzip')) {
      const packed = gzipSync(readFileSync(file))
      sent += packed.length
      response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip', ...headers }).end(packed)
      return
    }
    sent += statSync(file).size
    response.writeHead(200, { 'content-type': type, ...headers })
    createReadStream(file).pipe(response)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, sent: () => sent, close: () => server.close() }
}
