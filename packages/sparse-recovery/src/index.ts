export { exactRecovery, restoreExactRecovery, type ExactRecovery, type ExactRecoveryOptions } from './exact-recovery'
export { exactRecoveryTables } from './exact-recovery-tables'
export {
  frequentItems,
  restoreFrequentItems,
  type FrequentItem,
  type FrequentItems,
  type FrequentItemsOptions,
} from './frequent-items'
export type { Bounds, HeavyHitter, HeavyHitters, HeavyHittersOptions, TopOptions } from './heavy-hitter'
export { heavyHitters, restoreHeavyHitters } from './heavy-hitters'
export { recoveryRows, type RecoverySize } from './recovery-rows'
export { sparseRecovery, type EnergyTreeRecovery, type SparseRecoveryOptions } from './sparse-recovery'
