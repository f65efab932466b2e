import { bullmq, type BullmqOptions } from '@sublinear/cluster/bullmq'

/** How a worker process makes its broker. */
export const broker = (options: BullmqOptions) => bullmq(options)
