import { FLOAT, FLOAT16 } from './graph'
import type { OrderedGraph } from './graph-order'

/** The cut before the last linear map, from which on every row stands alone. */
export interface HeadCut {
  readonly logits: string
  /** Tensor that the map reads, rows × width behind a dimension of one. Absent where it is not known to have this form. */
  readonly hidden?: string | undefined
}

const ROW_BY_ROW = new Set(['Cast', 'Identity', 'Mul', 'Div', 'Add', 'Tanh', 'Clip'])
const MAPS = new Set(['MatMul', 'MatMulNBits', 'FusedMatMul'])

/**
 * Finds the logits of a graph, and the tensor that its last linear map reads, so that rows whose logits nobody asks for are not multiplied.
 *
 * @throws RangeError when no output is called logits, nor one alone can be
 */
export function headCut({ outputs, maker, ofTokens, constant }: OrderedGraph, caches: ReadonlySet<string>): HeadCut {
  const named = outputs.find(({ name }) => name === 'logits')
  const others = outputs.filter(
    ({ name, type, dims }) => !caches.has(name) && (type === FLOAT || type === FLOAT16) && (dims?.length ?? 3) === 3,
  )
  const logits = named?.name ?? (others.length === 1 ? others[0].name : undefined)
  if (logits === undefined) throw new RangeError('onnx: the graph must have an output called logits')
  let tensor = logits
  for (;;) {
    const node = maker.get(tensor)
    if (!node) return { logits }
    const data = node.inputs.filter((name) => ofTokens.has(name))
    const isPlain =
      data.length === 1 && node.inputs.every((name) => name === '' || name === data[0] || constant.has(name))
    if (!isPlain) return { logits }
    if (MAPS.has(node.op)) {
      const isMap = data[0] === node.inputs[0] && !node.attributes.get('transA')?.int
      return isMap ? { logits, hidden: data[0] } : { logits }
    }
    if (!ROW_BY_ROW.has(node.op)) return { logits }
    tensor = data[0]
  }
}
