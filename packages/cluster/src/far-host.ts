import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { elsewhere, type Line } from './cut-line'

/** A separate host for workers: a network namespace, joined to this machine by one link that can be cut. */
export interface FarHost {
  /** Address of this machine on the link, on which a broker must listen. */
  readonly address: string
  /** The line to a broker that listens there. */
  line(url: string): Line
  close(): void
}

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })

/** Makes a far host; undefined where this machine does not allow it: it needs Linux, the command `ip`, and the right to make namespaces. */
export function farHost(): FarHost | undefined {
  const name = `far${process.pid}`
  const [here, there] = [`${name}a`, `${name}b`]
  const subnet = `10.${64 + (process.pid % 128)}.${(process.pid >> 7) % 256}`
  const address = `${subnet}.1`
  const inside = ['netns', 'exec', name, 'ip']
  const close = () => {
    for (const what of [
      ['link', 'del', here],
      ['netns', 'del', name],
    ])
      try {
        ip(...what)
      } catch {} // there is none to remove
  }
  try {
    ip('netns', 'add', name)
    ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', name)
    ip('addr', 'add', `${address}/30`, 'dev', here)
    ip('link', 'set', here, 'up')
    ip(...inside, 'addr', 'add', `${subnet}.2/30`, 'dev', there)
    ip(...inside, 'link', 'set', there, 'up')
    ip(...inside, 'link', 'set', 'lo', 'up')
  } catch {
    close()
    return undefined
  }
  const isDown = () => readFileSync(`/sys/class/net/${here}/operstate`, 'utf8').trim() === 'down'
  /** The number of times that TCP on the far host has waited for an answer in vain. */
  const timeouts = () => {
    const [names, counts] = ip('netns', 'exec', name, 'cat', '/proc/net/netstat').match(/^TcpExt:.*$/gm) ?? ['', '']
    return Number(counts.split(' ')[names.split(' ').indexOf('TCPTimeouts')])
  }
  return {
    address,
    line: (url) => {
      let [wasDown, before] = [false, 0]
      return {
        fault: 'link between hosts down past the locks',
        url: elsewhere(url, address, new URL(url).port),
        within: ['ip', 'netns', 'exec', name],
        cut() {
          before = timeouts()
          ip('link', 'set', here, 'down')
          wasDown = isDown()
        },
        join() {
          const inVain = timeouts() - before
          const isCut = wasDown && isDown()
          ip('link', 'set', here, 'up')
          return isCut && inVain > 0
            ? `link of a network namespace down, ${inVain} times TCP waited in vain`
            : undefined
        },
        close() {},
      }
    },
    close,
  }
}
