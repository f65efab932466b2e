export { heavyHitters, type HeavyHitters } from './heavy-hitters'
export { recoveryRows } from './recovery-rows'
export { sparseRecovery, type RecoveryOptions } from './sparse-recovery'
