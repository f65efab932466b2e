import { connect, createServer, type Socket } from 'node:net'

/** A line to a server that can be cut: bytes then vanish on both sides, no connection ends, and none begins to answer. */
export async function cutLine(to: number) {
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
    const far = connect(to, '127.0.0.1')
    pass(near, far)
    pass(far, near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    cut() {
      isCut = true
    },
    /** Joins the line again; connections from before are reset, as their bytes are gone. Returns how many bytes were lost. */
    join(): number {
      isCut = false
      for (const socket of sockets) socket.resetAndDestroy()
      const all = lost
      lost = 0
      return all
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
