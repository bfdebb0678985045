import type { DenyList, Receipt } from 'satway/server'

/** One paid response under way. */
export type PaidStream = {
  readonly receipt: Receipt
  readonly cut: () => void
  /** Where it stands in the list; -1 when it is over. */
  place: number
}

/**
 * Paid responses under way, so that those of a revoked token end with it. Looked through every few
 * seconds.
 *
 * A list where the last one takes the place of one that is over: a `Set` keeps what was deleted from
 * it alive over collections, which cost more than everything else that the gateway does for a request.
 */
export class ActiveStreams {
  readonly #streams: PaidStream[] = []
  readonly #denyList: DenyList
  readonly #timer: NodeJS.Timeout

  constructor(denyList: DenyList, everyMs = 2000) {
    this.#denyList = denyList
    this.#timer = setInterval(() => this.sweep(), everyMs)
    this.#timer.unref()
  }

  /** @returns What {@link remove} takes; `undefined` for what nobody paid for. */
  add(receipt: Receipt | undefined, cut: () => void): PaidStream | undefined {
    if (receipt === undefined) return undefined
    const stream = { receipt, cut, place: this.#streams.length }
    this.#streams.push(stream)
    return stream
  }

  /** Does nothing for one that is over. */
  remove(stream: PaidStream | undefined): void {
    if (stream === undefined || stream.place === -1) return
    const last = this.#streams.pop()!
    if (last !== stream) {
      this.#streams[stream.place] = last
      last.place = stream.place
    }
    stream.place = -1
  }

  /** Cuts what was revoked. */
  sweep(): void {
    const revoked = this.#streams.filter(({ receipt: { paymentHash, tokenId } }) => {
      // A list that has to be asked elsewhere is asked for requests, not for streams.
      return this.#denyList.isDenied({ paymentHash, tokenId, delegationIds: [] }) === true
    })
    for (const stream of revoked) {
      this.remove(stream)
      stream.cut()
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
