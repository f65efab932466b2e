export { brokerLaws } from './broker-laws'
export { storeLaws } from './store-laws'
export type { Law, LawResult } from './law'
export type { BrokerServer, FaultAdapter, Stray, StrayResult } from './fault-adapter'
export { inProcess, inProcessBroker, type InProcessOptions } from './in-process'
export { trial, TRIAL_ROWS, type Trial, type TrialOptions, type TrialOutcome } from './fault-trial'
export {
  cutNetwork,
  deliverEarly,
  deliverTwice,
  killBroker,
  killInShard,
  pauseBroker,
  stopInShard,
  type Landed,
} from './fault-kinds'
export { startWorkers, type TrialWorkers, type WorkerPlace } from './fault-workers'
export { farHost, type FarHost } from './far-host'
export type { Line } from './cut-line'
export { smallDisk } from './small-disk'
export { isAlive, stateOf, wait } from './process-state'
