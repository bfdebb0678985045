/** What decides which requests reach a service. */
export type Claim = {
  readonly hosts: readonly string[]
  readonly mount: string
  /** Keys of its route table. */
  readonly routes: readonly string[]
}

/**
 * A route of one service that another one would take requests from: because its mount is longer on
 * the same host, or because its host is narrower than a wildcard. A catch-all host (`*`) is there to
 * be narrowed.
 *
 * @returns The route, and the host on which; `undefined` where there is none.
 * @spec gateway.md R-CONF-17
 */
export function findShadowed(
  under: Claim,
  over: Claim,
): { readonly route: string; readonly host: string } | undefined {
  for (const host of over.hosts) {
    if (under.hosts.some((wildcard) => isNarrower(host, wildcard))) {
      return { route: under.routes[0] ?? '', host }
    }
    if (!under.hosts.includes(host)) continue
    const mount = segmentsOf(over.mount)
    if (mount.length <= segmentsOf(under.mount).length) continue
    const route = under.routes.find((key) => reaches(segmentsOf(key.replace(/^\S+ /, '')), mount))
    if (route !== undefined) return { route, host }
  }
  return undefined
}

function isNarrower(host: string, wildcard: string): boolean {
  return wildcard.startsWith('*.') && host !== wildcard && host.endsWith(wildcard.slice(1))
}

/** Whether a pattern matches some path under a mount. */
function reaches(pattern: readonly string[], mount: readonly string[]): boolean {
  for (const [index, segment] of mount.entries()) {
    const part = pattern[index]
    if (part === '*') return true
    if (part === undefined) return false
    // As frameworks do that overlook case: what is refused is a mistake, what is let pass a hole.
    if (!part.startsWith(':') && part.toLowerCase() !== segment.toLowerCase()) return false
  }
  return true
}

function segmentsOf(path: string): readonly string[] {
  return path === '/' ? [] : path.slice(1).split('/')
}
