import { hubFolder } from '@sublinear/onnx/node'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { progressBar } from '../progress'

/** Whether a model is named by its address: https://host/owner/name, perhaps with @revision. */
export const isAddress = (model: string): boolean => /^https?:\/\//.test(model)

/**
 * Finds the folder of a model: the folder itself, or, for an address, the folder in which its files are kept ($SUBLINEAR_CACHE, or .cache/sublinear at home);
 * files that are missing there are fetched.
 *
 * @throws RangeError when an address names no model; Error when its server does not give it
 */
export async function fetchedFolder(model: string, file?: string): Promise<string> {
  if (!isAddress(model)) return model
  const { origin, pathname } = new URL(model)
  const [, name, revision] = /^\/([^/@]+\/[^/@]+?)(?:@([^/@]+))?\/?$/.exec(pathname) ?? []
  if (name === undefined) throw new RangeError(`${model} must be https://host/owner/name, with @revision where wanted`)
  const bars = new Map<string, ReturnType<typeof progressBar>>()
  try {
    return await hubFolder({
      host: origin,
      model: name,
      cache: process.env['SUBLINEAR_CACHE'] ?? join(homedir(), '.cache', 'sublinear'),
      ...(revision !== undefined && { revision }),
      ...(file !== undefined && { file }),
      onProgress(path, bytes, total = bytes) {
        const bar = bars.get(path) ?? progressBar(`fetching ${path}`, total, false, 'bytes')
        bars.set(path, bar)
        bar.update(bytes)
        if (bytes === total) bar.stop()
      },
    })
  } finally {
    for (const bar of bars.values()) bar.stop()
  }
}
