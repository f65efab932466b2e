export function bundlesPage(limits: Readonly<Record<string, number>>): string
