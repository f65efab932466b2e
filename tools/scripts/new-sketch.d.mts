export function newSketch(name: string, root: string): string[]
