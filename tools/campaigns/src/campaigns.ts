import type { Allocations } from './allocations.ts'
import type { Campaign } from './campaign.ts'

/** Every campaign, in the order in which they run. */
export async function campaignsWith(
  allocations: Allocations & { add(bytes: number): void },
): Promise<readonly Campaign[]> {
  const { countArena } = await import('./arena.ts')
  countArena((bytes) => allocations.add(bytes))
  const [{ snapshots }, { forged }, { files }, { programs }, { memory }, { writers }, { high }] = await Promise.all([
    import('./campaigns/snapshots.ts'),
    import('./campaigns/forged.ts'),
    import('./campaigns/files.ts'),
    import('./campaigns/programs.ts'),
    import('./campaigns/memory.ts'),
    import('./campaigns/writers.ts'),
    import('./campaigns/high.ts'),
  ])
  return [snapshots(allocations), forged(allocations), ...files(allocations), programs, memory, writers, high]
}
