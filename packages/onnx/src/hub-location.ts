/** Name of a model on a hub, which serves files by HTTP. */
export interface HubModelName {
  /** The server, such as https://my-hub.example. */
  readonly host: string
  /** The model, as owner/name. */
  readonly model: string
  /** A branch, a tag or a commit. */
  readonly revision: string
}

const PART = /^[\w.-]{1,96}$/

/**
 * The folder of a model in a cache: host/owner/name/revision, each a plain name.
 *
 * @throws RangeError when one of them is no plain name
 */
export function cachePath({ host, model, revision }: HubModelName): string[] {
  const { protocol, host: server } = new URL(host)
  if (protocol !== 'https:' && protocol !== 'http:') throw refused('host', host, 'an http or https address')
  const names = model.split('/')
  if (names.length !== 2 || !names.every(isPlain)) throw refused('model', model, 'owner/name')
  if (!isPlain(revision)) throw refused('revision', revision, 'a name without slashes')
  return [server.replace(':', '_'), ...names, revision]
}

/**
 * Splits a file's path within a model into its parts.
 *
 * @throws RangeError when it would lead out of it, or has parts that are no plain names
 */
export function filePath(file: string): string[] {
  const parts = file.split('/')
  if (parts.length > 8 || !parts.every(isPlain)) throw refused('file', file, 'a relative path of plain names')
  return parts
}

/** The address of a file on a hub: host/owner/name/resolve/revision/path. */
export function fileAddress({ host, model, revision }: HubModelName, file: string): URL {
  const base = new URL(host)
  const path = ['resolve', revision, ...filePath(file)].map(encodeURIComponent).join('/')
  base.pathname = `${base.pathname.replace(/\/$/, '')}/${model}/${path}`
  return base
}

const isPlain = (part: string) => PART.test(part) && !/^\.+$/.test(part) && !/\.part(-tag)?$/.test(part)

function refused(name: string, value: string, what: string): RangeError {
  return new RangeError(`hubFolder: ${name} must be ${what}, got ${JSON.stringify(value.slice(0, 200))}`)
}
