/** What a host and a path lead to. */
type Mounted<Entry> = {
  /** `['v2']` for `/v2` and below; empty for every path. */
  readonly segments: readonly string[]
  readonly entry: Entry
}

/**
 * Entries by host and mount. Hosts are compared whole, never by a part of them: exact names first,
 * then the longest wildcard, then `*`. The dot of the root at its end does not count.
 */
export class HostTable<Entry> {
  readonly #exact = new Map<string, Mounted<Entry>[]>()
  /** `.example.com`, the longest first. */
  readonly #wildcards: { readonly suffix: string; readonly mounted: Mounted<Entry>[] }[] = []
  #any: Mounted<Entry>[] | undefined

  /**
   * @param host - `api.example.com`, `*.example.com` or `*`, in lower case.
   * @param mount - `/`, or `/v2` for `/v2` and below.
   */
  add(host: string, mount: string, entry: Entry): void {
    const mounted = this.#mountedOf(host)
    mounted.push({ segments: mount === '/' ? [] : mount.slice(1).split('/'), entry })
    mounted.sort((a, b) => b.segments.length - a.segments.length)
  }

  /**
   * The entry for a request.
   *
   * @param path - Gives the canonical path, or `undefined` where the target has none. Asked only
   *   where a host has several mounts.
   * @returns `unknown-host`, or `no-mount` where the host has none for the path, or where another
   *   mount would match if upper and lower case were overlooked.
   */
  find(host: string, path: () => string | undefined): Entry | 'unknown-host' | 'no-mount' {
    const mounted = this.#lookUp(host)
    if (mounted === undefined) return 'unknown-host'
    const [first] = mounted
    if (mounted.length === 1 && first!.segments.length === 0) return first!.entry
    const canonical = path()
    // Whatever it is, it will be refused; any entry knows how.
    if (canonical === undefined) return first!.entry
    const segments = canonical.slice(1).split('/')
    const found = mounted.find((candidate) => startsWith(segments, candidate.segments))
    if (found === undefined) return 'no-mount'
    const folded = segments.map((segment) => segment.toLowerCase())
    const overlooked = mounted.find(({ segments: mount }) =>
      startsWith(
        folded,
        mount.map((segment) => segment.toLowerCase()),
      ),
    )
    return overlooked === found ? found.entry : 'no-mount'
  }

  #mountedOf(host: string): Mounted<Entry>[] {
    if (host === '*') {
      this.#any ??= []
      return this.#any
    }
    if (!host.startsWith('*.')) {
      const known = this.#exact.get(host) ?? []
      this.#exact.set(host, known)
      return known
    }
    const suffix = host.slice(1)
    const known = this.#wildcards.find((wildcard) => wildcard.suffix === suffix)
    if (known !== undefined) return known.mounted
    const mounted: Mounted<Entry>[] = []
    this.#wildcards.push({ suffix, mounted })
    this.#wildcards.sort((a, b) => b.suffix.length - a.suffix.length)
    return mounted
  }

  #lookUp(host: string): Mounted<Entry>[] | undefined {
    if (this.#exact.size === 0 && this.#wildcards.length === 0) return this.#any
    const name = hostName(host)
    const exact = this.#exact.get(name)
    if (exact !== undefined) return exact
    // One label or more in place of the star, as most servers behind have it: what a narrower reading
    // left over would fall to `*`.
    const isUnder = ({ suffix }: { readonly suffix: string }): boolean =>
      name.length > suffix.length && name.endsWith(suffix)
    return this.#wildcards.find(isUnder)?.mounted ?? this.#any
  }
}

/** The name in lower case, without its port and the dot of the root: `api.example.com.` is the same. */
function hostName(host: string): string {
  return host
    .replace(/:\d{0,5}$/, '')
    .replace(/\.$/, '')
    .toLowerCase()
}

function startsWith(path: readonly string[], mount: readonly string[]): boolean {
  return mount.length <= path.length && mount.every((segment, index) => segment === path[index])
}
