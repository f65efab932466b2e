/** Finds Chromium on this machine, and opens pages in it. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-sync', '--no-first-run']
flags.push('--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage')

/** Chromium's program, by its whole path, and version; installs Debian's where this machine lets it. @returns {{ program?: string, version?: string, why?: string }} */
export function findChromium() {
  const program = wholePath(process.env.CHROMIUM_PATH ?? 'chromium')
  const version = versionOf(program)
  if (version) return { program, version }
  if (process.env.CHROMIUM_PATH) return { why: `${program} does not run` }
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0)
    return { why: 'there is no chromium on the path, and no apt-get that may install it; set CHROMIUM_PATH' }
  spawnSync('apt-get', ['update'], { stdio: 'pipe' })
  const args = ['install', '-y', '--no-install-recommends', 'chromium']
  const { status, stderr } = spawnSync('apt-get', args, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  const installed = versionOf('chromium')
  if (installed) return { program: wholePath('chromium'), version: installed }
  return { why: `apt-get could not install it (${status}): ${stderr.trim().split('\n').at(-1)}` }
}

/** The place of a program on the path; the name itself where it is not there. */
function wholePath(name) {
  const places = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name))
  return name.includes('/') ? name : (places.find((place) => existsSync(place)) ?? name)
}

function versionOf(program) {
  const { status, stdout } = spawnSync(program, ['--version', '--no-sandbox'], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

/**
 * Serves pages to one Chromium, which opens them all as frames of '/', until each of `names` has posted to its own name.
 *
 * @param {string} program  Chromium
 * @param {(path: string) => { type: string, body: string | Uint8Array, policy?: string } | undefined} fileAt  what lies at a path, with its Content-Security-Policy
 * @param {readonly string[]} names  frames: /name is opened, and POST /name gives its answer
 * @param {number} most  milliseconds
 * @returns {Promise<Record<string, string>>} the texts that came, by name
 */
export async function framesOf(program, fileAt, names, most = 120_000) {
  const posted = {}
  const server = createServer(async (request, response) => {
    const name = request.url.slice(1)
    if (request.method === 'POST') {
      posted[name] = (await request.setEncoding('utf8').toArray()).join('')
      response.end()
      if (names.every((one) => one in posted)) server.emit('posted')
      return
    }
    const frames = names.map((one) => `<iframe src="/${one}"></iframe>`).join('')
    const file = name === '' ? { type: 'text/html', body: frames } : fileAt(request.url)
    if (!file) return response.writeHead(404).end()
    response.setHeader('content-type', file.type)
    if (file.policy) response.setHeader('content-security-policy', file.policy)
    response.end(file.body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'))
  const address = `http://127.0.0.1:${server.address().port}/`
  const child = spawn(program, [...flags, `--user-data-dir=${profile}`, address], { stdio: 'ignore', timeout: most })
  const exited = once(child, 'exit')
  await Promise.race([once(server, 'posted'), exited])
  child.kill()
  await exited
  server.close()
  server.closeAllConnections()
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  return posted
}
