export const repository: string
export const branch: string
export function publicFolders(): string[]
export function manifestOf(folder: string): Record<string, unknown>
export function completed(folder: string, manifest?: Record<string, unknown>): Record<string, unknown>
