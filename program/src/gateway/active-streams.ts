import type { DenyList, Receipt } from 'satway/server'

/** One paid response under way. */
type Stream = {
  readonly receipt: Receipt
  readonly cut: () => void
}

/**
 * Paid responses under way, so that those of a revoked token end with it. Looked through every few
 * seconds; a response that is over before costs two changes of a set.
 */
export class ActiveStreams {
  readonly #streams = new Set<Stream>()
  readonly #denyList: DenyList
  readonly #timer: NodeJS.Timeout

  constructor(denyList: DenyList, everyMs = 2000) {
    this.#denyList = denyList
    this.#timer = setInterval(() => this.sweep(), everyMs)
    this.#timer.unref()
  }

  /** @returns What {@link remove} takes; `undefined` for what nobody paid for. */
  add(receipt: Receipt | undefined, cut: () => void): Stream | undefined {
    if (receipt === undefined) return undefined
    const stream = { receipt, cut }
    this.#streams.add(stream)
    return stream
  }

  remove(stream: Stream | undefined): void {
    if (stream !== undefined) this.#streams.delete(stream)
  }

  /** Cuts what was revoked. */
  sweep(): void {
    for (const stream of this.#streams) {
      const { paymentHash, tokenId } = stream.receipt
      // A list that has to be asked elsewhere is asked for requests, not for streams.
      if (this.#denyList.isDenied({ paymentHash, tokenId, delegationIds: [] }) !== true) continue
      this.#streams.delete(stream)
      stream.cut()
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
