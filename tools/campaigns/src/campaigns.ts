import type { Allocations } from './allocations.ts'
import type { Campaign } from './campaign.ts'

/** Every campaign, in the order in which they run. */
export async function campaignsWith(
  allocations: Allocations & { add(bytes: number): void },
): Promise<readonly Campaign[]> {
  const { countArena } = await import('./arena.ts')
  countArena((bytes) => allocations.add(bytes))
  const [{ snapshots }, { files }, { programs }, { memory }] = await Promise.all([
    import('./campaigns/snapshots.ts'),
    import('./campaigns/files.ts'),
    import('./campaigns/programs.ts'),
    import('./campaigns/memory.ts'),
  ])
  return [snapshots(allocations), files(allocations), programs, memory]
}
