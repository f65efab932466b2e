export { startThreads, type ThreadHandle, type Threads, type ThreadsOptions } from './threads'
export { serveLayers, type ThreadPort } from './serve-layers'
export type { SpreadLayer } from './spread-layer'
