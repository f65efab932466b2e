import {
  createPostgresBackend,
  FlowProducer,
  Queue,
  QueueEvents,
  Worker,
  type ConnectionOptions,
  type PostgresConnectionOptions,
  type Processor,
  type WorkerOptions,
} from 'bullmq'

/** A broker's address: `redis://…` (or `rediss:`, `valkey:`), `postgres://…`, or what BullMQ takes as `connection` of either. */
export type BullmqConnection = string | ConnectionOptions | PostgresConnectionOptions

/** The four objects of BullMQ, on whichever broker the connection leads to. */
export interface BullmqClients {
  readonly broker: 'redis' | 'postgres'
  queue(name: string): Queue
  flow(): FlowProducer
  events(name: string): QueueEvents
  worker(name: string, process: Processor, options: Omit<WorkerOptions, 'connection'>): Worker
}

/** Makes the four objects of BullMQ for an address. @throws RangeError when the address is of no known broker */
export function bullmqClients(given: BullmqConnection): BullmqClients {
  const postgres = postgresOf(given)
  if (postgres) {
    const factory = createPostgresBackend
    const connection = postgres
    return {
      broker: 'postgres',
      queue: (name) => new Queue(name, { connection }, factory) as unknown as Queue,
      flow: () => new FlowProducer({ connection }, factory) as unknown as FlowProducer,
      events: (name) => new QueueEvents(name, { connection }, factory) as unknown as QueueEvents,
      worker: (name, process, options) =>
        new Worker(name, process, { ...options, connection }, factory) as unknown as Worker,
    }
  }
  const connection = redisOf(given)
  return {
    broker: 'redis',
    queue: (name) => new Queue(name, { connection }),
    flow: () => new FlowProducer({ connection }),
    events: (name) => new QueueEvents(name, { connection }),
    worker: (name, process, options) => new Worker(name, process, { ...options, connection }),
  }
}

/**
 * Options of every pool. A client of pg whose server dies while it is in use emits an error; without a listener this would end the process. Its query fails as
 * well, and BullMQ tries again.
 */
const POSTGRES = {
  migrate: true,
  max: 4,
  onConnect: (client: { on(name: 'error', heard: () => void): unknown }) => void client.on('error', () => {}),
}

/** The options of a PostgreSQL connection, with which BullMQ makes its tables where they are missing; undefined where the address is of Redis. */
function postgresOf(given: BullmqConnection): PostgresConnectionOptions | undefined {
  if (typeof given === 'string')
    return /^postgres(ql)?:/.test(given) ? { ...POSTGRES, connectionString: given } : undefined
  if ('connectionString' in given || 'database' in given) return { ...POSTGRES, ...given } as PostgresConnectionOptions
  return 'query' in given ? (given as PostgresConnectionOptions) : undefined
}

function redisOf(given: BullmqConnection): ConnectionOptions {
  if (typeof given !== 'string') return { maxRetriesPerRequest: null, ...(given as object) } as ConnectionOptions
  const { protocol, hostname, port, username, password, pathname } = new URL(given)
  if (!['redis:', 'rediss:', 'valkey:'].includes(protocol))
    throw new RangeError(`bullmq: connection must begin with redis:, rediss:, valkey: or postgres:, got ${protocol}`)
  return {
    host: hostname,
    port: Number(port || 6379),
    db: Number(pathname.slice(1) || 0),
    maxRetriesPerRequest: null,
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  }
}
