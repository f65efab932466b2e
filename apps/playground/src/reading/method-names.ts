/** Methods that read side by side; the first is the model's own attention. */
export const METHODS = ['exact', 'auto', 'farClosure', 'clusters', 'snapKv', 'streamingLlm'] as const
export type MethodName = (typeof METHODS)[number]
/** Methods whose bytes do not grow. */
export const BOUNDED = METHODS.filter((name) => name !== 'exact')

/** A sentence for each method, for people who see its name for the first time. */
export const SAID: Readonly<Record<MethodName, string>> = {
  exact: 'keeps every token, as every model does',
  auto: 'keeps tokens that got attention in many bits, tokens with unusual keys in few bits, and the mean of the rest',
  farClosure: 'keeps tokens whose keys are far from the mean, and a smooth summary of the rest',
  clusters: 'keeps averages of similar tokens',
  snapKv: 'keeps tokens that the latest queries looked at',
  streamingLlm: 'keeps the first four tokens and the newest ones: a window',
}
