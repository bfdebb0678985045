import { parseAddress } from './ip-address.ts'

/** Counts open connections: all together, and those of each client. */
export class ConnectionLimit {
  readonly #most: number
  readonly #mostOfOne: number
  readonly #isExempt: (address: string) => boolean
  readonly #ofClient = new Map<string, number>()
  #open = 0

  /** @param isExempt - Addresses that carry many clients, and have no limit of their own. */
  constructor(most: number, mostOfOne: number, isExempt: (address: string) => boolean) {
    this.#most = most
    this.#mostOfOne = mostOfOne
    this.#isExempt = isExempt
  }

  get open(): number {
    return this.#open
  }

  /**
   * Counts one connection more.
   *
   * @returns What takes it out again; `undefined`, and nothing was counted, when there is no room.
   */
  enter(): (() => void) | undefined {
    if (this.#open >= this.#most) return undefined
    this.#open++
    return once(() => this.#open--)
  }

  /** The same for the connections of one client: of an IPv4 address, or of an IPv6 /64. */
  enterClient(address: string): (() => void) | undefined {
    if (this.#isExempt(address)) return () => undefined
    const client = clientOf(address)
    const open = this.#ofClient.get(client) ?? 0
    if (open >= this.#mostOfOne) return undefined
    this.#ofClient.set(client, open + 1)
    return once(() => {
      const left = this.#ofClient.get(client)! - 1
      if (left === 0) this.#ofClient.delete(client)
      else this.#ofClient.set(client, left)
    })
  }
}

/** One customer has a whole /64, and can take another address of it for every connection. */
function clientOf(address: string): string {
  const parsed = parseAddress(address)
  return parsed?.length === 4 ? `${parsed[0]}:${parsed[1]}` : address
}

function once(leave: () => void): () => void {
  let isOpen = true
  return () => {
    if (!isOpen) return
    isOpen = false
    leave()
  }
}
