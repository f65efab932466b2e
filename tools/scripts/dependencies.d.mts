/** A line for each import or declaration that is against the table, below `root`/packages. */
export function violations(root: string): string[]
