import { connect, createServer, type Socket } from 'node:net'

/** A line between workers and broker that can be cut: nothing then arrives on either side, and no connection is told that it ended. */
export interface Line {
  /** Name of the fault that cutting this line is. */
  readonly fault: string
  /** Address of the broker through this line. */
  readonly url: string
  /** Command that runs another command at the far end of the line. */
  readonly within?: readonly string[] | undefined
  cut(): void
  /** Joins the line again. Returns how one knows that it was cut; undefined where nothing was lost. */
  join(): string | undefined
  close(): void
}

/** The same server at another host and port. */
export function elsewhere(url: string, host: string, port: string): string {
  const { protocol, username, password, pathname, search } = new URL(url)
  const user = username ? `${username}${password ? `:${password}` : ''}@` : ''
  return `${protocol}//${user}${host}:${port}${pathname}${search}`
}

/**
 * Makes a proxy in this process that swallows all bytes while it is cut. When it is joined, connections from before are reset, since bytes of theirs are lost.
 */
export async function cutLine(url: string): Promise<Line> {
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  let isCut = false
  let lost = 0
  const pass = (from: Socket, into: Socket) => {
    sockets.add(from)
    from.on('data', (bytes) => {
      if (isCut) lost += bytes.length
      else into.write(bytes)
    })
    from.on('error', () => {})
    from.on('close', () => {
      sockets.delete(from)
      into.destroy()
    })
  }
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    pass(near, far)
    pass(far, near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const own = server.address()
  if (own === null || typeof own === 'string') throw new Error('cutLine: no port')
  return {
    fault: 'line that swallows bytes past the locks',
    url: elsewhere(url, '127.0.0.1', String(own.port)),
    cut() {
      isCut = true
    },
    join() {
      isCut = false
      for (const socket of sockets) socket.resetAndDestroy()
      const all = lost
      lost = 0
      return all > 0 ? `${all} bytes swallowed by a proxy` : undefined
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
