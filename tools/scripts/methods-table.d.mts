export function methodsPage(
  methods: readonly { readonly name: string; readonly source: string; readonly learns: string }[],
): string
