import type { Broker } from './broker'
import { folderStore } from './folder-store'
import { work } from './work'

/** Program of a worker in a process of its own, given `{ module, options, store }` as JSON. It ends with its parent. */
const { module, options, store } = JSON.parse(process.argv[2] ?? '{}') as Record<'module' | 'store', string> & {
  options: unknown
}
process.on('disconnect', () => process.exit())
process.on('uncaughtException', (error) => {
  console.error('worker', process.pid, error)
  process.exit(1)
})
const onFault = (error: Error) => {
  if (process.env['FAULTS']) console.error(process.pid, error.message)
}

async function run(): Promise<void> {
  const { broker } = (await import(module)) as { broker: (options: unknown) => Broker }
  await work(broker(options), { store: folderStore(store), onFault })
}
void run()
