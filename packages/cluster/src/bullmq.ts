export { bullmq, type BullmqOptions } from './bullmq-broker'
