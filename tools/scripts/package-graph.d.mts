export function packageEdges(root: string): Map<string, string[]>
export function floorsOf(edges: ReadonlyMap<string, readonly string[]>): string[][]
export function packagesPage(edges: ReadonlyMap<string, readonly string[]>): string
