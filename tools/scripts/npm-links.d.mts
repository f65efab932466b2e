export function linkedFromNpm(text: string, folder: string): string
