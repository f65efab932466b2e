import { folderStore, work } from '@sublinear/cluster'
import { bullmq } from '@sublinear/cluster/bullmq'

/** A worker in a process of its own: `node src/worker.ts '{ "connection", "store", … }'`. It ends with its parent. */
const { store, ...options } = JSON.parse(process.argv[2]) as { store: string; connection: string }
process.on('disconnect', () => process.exit())
process.on('uncaughtException', (error) => {
  console.error('worker', process.pid, error)
  process.exit(1)
})
process.send?.('started')
await work(bullmq(options), {
  store: folderStore(store),
  ...(process.env['FAULTS'] && { onFault: (error: Error) => console.error(process.pid, error.message) }),
})
