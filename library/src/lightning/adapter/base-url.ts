/** Whether a URL names this machine, by its text alone. */
export function isThisMachine({ hostname }: URL): boolean {
  if (/^([^.]+\.)*localhost\.?$/.test(hostname) || hostname === '[::1]') return true
  // A URL writes every IPv4 address as four decimal numbers, however it was spelt.
  return /^127(\.\d{1,3}){3}$/.test(hostname)
}

/**
 * The address of a wallet: https, or http on this machine, with a path or without. A secret goes into a
 * header, and over no line that others can read.
 *
 * @param option - Begins the error.
 * @returns it without a slash at its end.
 * @throws {RangeError} for anything else; without the text of it.
 */
export function requireBaseUrl(option: string, text: string): string {
  const url = URL.parse(String(text))
  if (url === null) throw new RangeError(`${option}: expected an absolute URL`)
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isThisMachine(url))
  if (!isSafe) throw new RangeError(`${option}: expected https, or http on this machine`)
  if (url.username !== '' || url.password !== '') {
    throw new RangeError(`${option}: expected no user name or password`)
  }
  if (url.search !== '' || url.hash !== '') {
    throw new RangeError(`${option}: expected no query and no fragment`)
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}
