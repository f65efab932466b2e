import type { AttentionSite } from './attention-site'
import { decomposedSite } from './decomposed-site'
import { titleOf, type OrderedGraph } from './graph-order'
import { groupQuerySite, multiHeadSite, standardSite } from './operator-sites'
import { notSupported, refusedOperator } from './refuse'
import { withSources } from './shared-keys'

/**
 * Finds every attention of a graph, in the order in which they are computed.
 *
 * @throws RangeError that names the operator, or what in it is not supported; or when there is no attention at all
 */
export function findAttention(graph: OrderedGraph): AttentionSite[] {
  const sites: AttentionSite[] = []
  for (const node of graph.nodes) {
    const why = refusedOperator(node.domain, node.op)
    if (why !== undefined) throw notSupported(titleOf(node), why)
    if (node.op === 'GroupQueryAttention') sites.push(groupQuerySite(node, graph))
    else if (node.op === 'MultiHeadAttention') sites.push(multiHeadSite(node))
    else if (node.op === 'Attention' && node.domain === '') sites.push(standardSite(node))
    else if (node.op === 'Softmax') {
      const site = decomposedSite(node, graph)
      if (site) sites.push(site)
    }
  }
  if (sites.length === 0)
    throw new RangeError('onnx: there is no attention in the graph, or none of a form that is known')
  return withSources(sites)
}
