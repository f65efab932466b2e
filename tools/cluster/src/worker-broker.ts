import { bullmq, type BullmqOptions } from '@sublinear/cluster/bullmq'

/** The broker that a worker process connects to. */
export const broker = (options: BullmqOptions) => bullmq(options)
