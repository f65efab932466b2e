export function whichMethodPage(board: object, methodsPage: string): string
export function whichMethodFile(): string
