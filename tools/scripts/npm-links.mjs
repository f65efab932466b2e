import { posix } from 'node:path'
import { branch, repository } from './manifests.mjs'

/** A README with its relative links made absolute, as seen from the folder it lies in: pictures as raw files, all else as pages of the repository. */
export function linkedFromNpm(text, folder) {
  return text.replaceAll(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g, (whole, picture, label, target) => {
    if (/^(?:[a-z]+:|#)/.test(target)) return whole
    const [path, anchor = ''] = target.split(/(?=#)/)
    const place = posix.normalize(posix.join(folder, path))
    return `${picture}[${label}](${repository}/${picture ? 'raw' : 'blob'}/${branch}/${place}${anchor})`
  })
}
