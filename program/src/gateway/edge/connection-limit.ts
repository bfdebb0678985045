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

  /** Counts one connection more. False, and nothing was counted, when there is no room. */
  enter(): boolean {
    if (this.#open >= this.#most) return false
    this.#open++
    return true
  }

  leave(): void {
    this.#open--
  }

  /**
   * The same for the connections of one client: of an IPv4 address, or of an IPv6 /64.
   *
   * @returns What {@link leaveClient} takes; `undefined` when there is no room.
   */
  enterClient(address: string): string | undefined {
    if (this.#isExempt(address)) return exempt
    const client = clientOf(address)
    const open = this.#ofClient.get(client) ?? 0
    if (open >= this.#mostOfOne) return undefined
    this.#ofClient.set(client, open + 1)
    return client
  }

  leaveClient(client: string): void {
    if (client === exempt) return
    const left = (this.#ofClient.get(client) ?? 1) - 1
    if (left === 0) this.#ofClient.delete(client)
    else this.#ofClient.set(client, left)
  }
}

const exempt = ''

/** One customer has a whole /64, and can take another address of it for every connection. */
function clientOf(address: string): string {
  const parsed = parseAddress(address)
  return parsed?.length === 4 ? `${parsed[0]}:${parsed[1]}` : address
}
