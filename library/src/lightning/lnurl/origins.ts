import type { LinkReply } from '../adapter/index.ts'
import { isThisMachine, NodeLink } from '../adapter/index.ts'

/** Of the service itself, of its callback and of its verify URLs; and some that it had before. */
const maxLinks = 4

/**
 * The connections to a service, one set for each origin that it names. All but this machine has to be at
 * an address of the public internet; this machine is asked only when it was named at first.
 */
export class Origins {
  readonly #isLocal: boolean
  /** By origin, oldest first. */
  readonly #links = new Map<string, NodeLink>()
  #serverSeconds: number | undefined

  /** @param service - What people named. */
  constructor(service: URL) {
    this.#isLocal = isThisMachine(service)
  }

  /** The time of the last answer that told it, in seconds since 1970. */
  get serverSeconds(): number | undefined {
    return this.#serverSeconds
  }

  async get(url: URL, signal: AbortSignal): Promise<LinkReply> {
    const link = this.#linkTo(url)
    const reply = await link.request({ method: 'GET', path: url.pathname + url.search }, signal)
    this.#serverSeconds = link.serverSeconds ?? this.#serverSeconds
    return reply
  }

  close(): void {
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  #linkTo(url: URL): NodeLink {
    const known = this.#links.get(url.origin)
    if (known !== undefined) return known
    const publicOnly = !(this.#isLocal && isThisMachine(url))
    const link = new NodeLink({ baseUrl: url.origin, publicOnly })
    this.#links.set(url.origin, link)
    const [oldest] = this.#links
    if (oldest !== undefined && this.#links.size > maxLinks) {
      this.#links.delete(oldest[0])
      oldest[1].close()
    }
    return link
  }
}
