/** `example.com`, `example.com:8080`, `*.example.com` (any name below, not the name itself). */
export type HostPattern = {
  readonly hostname: string
  readonly below: boolean
  readonly port: string | undefined
}

/**
 * Reads a host pattern.
 *
 * @returns `undefined` for anything that is not one.
 * @spec client.md R-PAY-21
 */
export function parseHostPattern(text: string): HostPattern | undefined {
  const match = /^(\*\.)?(\[[0-9a-f:.]+\]|[^\s/?#@:[\]*\\]+)(?::(\d{1,5}))?$/i.exec(text)
  if (match === null) return undefined
  const [, star, name = '', port] = match
  const url = URL.parse(`https://${name}`)
  if (url === null || url.pathname !== '/') return undefined
  return { hostname: bareHostname(url), below: star !== undefined, port }
}

/** Whether a URL is at a host that the pattern means. */
export function matchesHost(pattern: HostPattern, url: URL): boolean {
  if (pattern.port !== undefined && pattern.port !== portOf(url)) return false
  const hostname = bareHostname(url)
  return pattern.below ? hostname.endsWith(`.${pattern.hostname}`) : hostname === pattern.hostname
}

/** The name of a host, without the dot that may end it: both spellings reach the same machine. */
export function bareHostname(url: URL): string {
  return url.hostname.replace(/\.$/, '')
}

/** The name of the host of an origin. */
export function hostOf(origin: string): string {
  return bareHostname(new URL(origin))
}

/**
 * Whether nobody on the way can read what is sent: https, this machine, or an onion service.
 *
 * @spec client.md R-PAY-22
 */
export function isConfidential(url: URL): boolean {
  return url.protocol === 'https:' || bareHostname(url).endsWith('.onion') || isLoopback(url)
}

/** Whether a URL names this machine, by its text alone. */
export function isLoopback(url: URL): boolean {
  const hostname = bareHostname(url)
  if (/(^|\.)localhost$/.test(hostname) || hostname === '[::1]') return true
  // A URL writes every IPv4 address as four decimal numbers, however it was spelt.
  return /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

/** The port of a URL, written out. */
export function portOf(url: URL): string {
  if (url.port !== '') return url.port
  return url.protocol === 'https:' ? '443' : '80'
}

/** A URL as it is written down and shown: without fragment, user name and password. */
export function plainUrl(url: URL): string {
  return url.origin + url.pathname + url.search
}
