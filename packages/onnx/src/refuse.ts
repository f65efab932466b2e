/** Operators with a state or a rule that a stream of keys and values cannot replace. */
const OPERATORS: Readonly<Record<string, string>> = {
  PagedAttention: 'its cache is paged by the runtime',
  SparseAttention: 'its blocks of visible tokens are the operator’s own',
  LinearAttention: 'its state is no cache of keys and values',
  CausalConvWithState: 'its state is no cache of keys and values',
  DecoderMaskedMultiHeadAttention: 'its cache is shared with the runtime',
  DecoderMaskedSelfAttention: 'its cache is shared with the runtime',
  LongformerAttention: 'its blocks of visible tokens are the operator’s own',
  QAttention: 'its inputs are integers',
}

/** The reason why an operator of a domain other than ONNX's is refused; undefined where it is not. */
export function refusedOperator(domain: string, op: string): string | undefined {
  if (domain === 'com.microsoft' && op === 'Attention')
    return 'it projects queries, keys and values itself (packed weights)'
  return domain === '' ? undefined : OPERATORS[op]
}

/** Makes the error for something in a graph that is not supported; all have one form. */
export function notSupported(title: string, what: string): RangeError {
  return new RangeError(`onnx: ${title} is not supported: ${what}`)
}
