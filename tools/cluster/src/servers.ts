import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { appendFileSync, chmodSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import { isAlive, wait, type BrokerServer } from '@sublinear/cluster/faults'
import { join } from 'node:path'

/** A broker's server on a private port, which can be killed, stopped and started again. */
export type Server = Required<BrokerServer> & { readonly pid: number }

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

/** Whether a server answers on a port. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
}

async function until(what: string, test: () => Promise<boolean> | boolean, ms = 20_000): Promise<void> {
  for (let waited = 0; waited < ms; waited += 50) {
    if (await test()) return
    await wait(50)
  }
  throw new Error(`waited ${ms} ms for ${what}`)
}

/** Processes of a server: itself and its children, which PostgreSQL has. */
function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return [pid, ...(children ? children.split(' ').map(Number) : [])]
}

function server(
  name: string,
  port: number,
  url: string,
  launch: () => ChildProcess,
  ready: () => Promise<boolean>,
): Promise<Server> {
  let child: ChildProcess | undefined
  const signal = (which: NodeJS.Signals) => {
    for (const pid of child?.pid && isAlive(child.pid) ? family(child.pid) : []) process.kill(pid, which)
  }
  const end = async (which: NodeJS.Signals) => {
    const pid = child?.pid
    if (pid === undefined) return
    const all = isAlive(pid) ? family(pid) : []
    if (which === 'SIGKILL') for (const one of all) if (isAlive(one)) process.kill(one, which)
    if (which !== 'SIGKILL' && isAlive(pid)) process.kill(pid, which)
    await until(`${name} to end`, () => !all.some(isAlive))
    child = undefined
  }
  const self: Server = {
    url,
    get pid() {
      return child?.pid ?? 0
    },
    kill: () => end('SIGKILL'),
    async start() {
      child = launch()
      await until(`${name} on port ${port}`, ready)
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    stop: () => end('SIGINT'),
  }
  return self.start().then(() => self)
}

/**
 * Starts a Redis that writes every command to its file before it answers.
 * @throws Error without redis-server
 */
export async function startRedis(folder: string, address?: string): Promise<Server> {
  const port = await freePort()
  const dir = mkdtempSync(join(folder, 'redis-'))
  const args = [
    '--port',
    port,
    '--dir',
    dir,
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
    '--save',
    '',
    '--protected-mode',
    'no',
    '--bind',
    '127.0.0.1',
    ...(address === undefined ? [] : [address]),
  ]
  const launch = () => spawn('redis-server', args.map(String), { stdio: 'ignore' })
  return server('redis', port, `redis://127.0.0.1:${port}`, launch, async () => {
    if (!(await answers(port))) return false
    const pong = execFileSync('redis-cli', ['-p', String(port), 'ping'], { encoding: 'utf8' })
    return pong.startsWith('PONG')
  })
}

/** Folder of PostgreSQL's programs, where Debian puts them. */
export function postgresPrograms(): string | undefined {
  return globSync('/usr/lib/postgresql/*/bin').findLast((bin) => existsSync(join(bin, 'initdb')))
}

/**
 * Starts a PostgreSQL with a data folder of its own, as the user postgres where this process is root.
 * @throws Error without its programs
 */
export async function startPostgres(folder: string, address?: string): Promise<Server> {
  const bin = postgresPrograms()
  if (!bin) throw new Error('there is no PostgreSQL here')
  const port = await freePort()
  const data = mkdtempSync(join(folder, 'postgres-'))
  const own = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {}
  chmodSync(folder, 0o755)
  if ('uid' in own) execFileSync('chown', ['-R', 'postgres:postgres', data])
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync'], {
    ...own,
    stdio: 'ignore',
    cwd: '/',
  })
  if (address !== undefined) appendFileSync(join(data, 'pg_hba.conf'), `host all all ${address}/30 trust\n`)
  const listens = ['127.0.0.1', ...(address === undefined ? [] : [address])].join(',')
  const args = ['-D', data, '-p', port, '-h', listens, '-k', data, '-c', 'max_connections=200']
  const launch = () => {
    rmSync(join(data, 'postmaster.pid'), { force: true })
    return spawn(join(bin, 'postgres'), args.map(String), { ...own, stdio: 'ignore', cwd: '/' })
  }
  return server('postgres', port, `postgres://postgres@127.0.0.1:${port}/postgres`, launch, async () => {
    try {
      execFileSync(join(bin, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
}
