import type { DenyList, UseStore } from 'satway/server'

/** What happened, once and for all: one row of the ledger of revenue. */
export type Transaction = {
  /** 32 bytes in hex. */
  readonly paymentHash: string
  /** 32 bytes in hex; `undefined` until the token was seen. */
  readonly tokenId: string | undefined
  readonly amountMsat: bigint
  /** When it was paid, or, where the payee did not tell, when the token was first seen. */
  readonly settledAtSeconds: number
  readonly service: string | undefined
  readonly capability: string | undefined
  /** Whether the payee reported it. False: only the token was seen, which proves the payment too. */
  readonly isReported: boolean
  /** Uses that were counted. */
  readonly uses: number
  readonly validUntilSeconds: number | undefined
  readonly lastSeenSeconds: number | undefined
  readonly isRevoked: boolean
}

export type TransactionFilter = {
  readonly service?: string
  readonly capability?: string
  readonly fromSeconds?: number
  /** Exclusive. */
  readonly untilSeconds?: number
  readonly state?: 'active' | 'revoked' | 'expired'
  /** Payment hash or token id, hex, or the first 8 or more digits of one. */
  readonly id?: string
  /** From 1 to 1000. */
  readonly limit: number
  /** Opaque; from the page before. */
  readonly after?: string
}

export type Denial = {
  /** A payment hash or token id in hex, or a delegation id. */
  readonly id: string
  readonly reason: string
  readonly deniedAtSeconds: number
}

export type DayStats = {
  /** Empty where the payee told of a payment whose service is not known. */
  readonly service: string
  /** `2026-11-25`, UTC. */
  readonly day: string
  readonly payments: number
  readonly revenueMsat: bigint
  readonly uses: number
}

/** Something whose payment the wallet has not told of. */
export type OpenSale = {
  /** 32 bytes in hex. */
  readonly paymentHash: string
  readonly service: string | undefined
  readonly capability: string | undefined
}

/** A service that was made or changed through the admin API: the document as the file would have it. */
export type StoredService = {
  readonly name: string
  /** JSON. */
  readonly document: string
  readonly changedAtSeconds: number
}

/**
 * What must survive: settled tokens, uses, free tier, deny list, revenue, services of the admin API.
 * One SQLite file in WAL mode. Several processes may have it open; each method is one transaction.
 *
 * Of a challenge that nobody paid no more is written than the hash, for as long as it can be paid.
 */
export type State = {
  readonly uses: UseStore
  /** Answers from memory without a promise; sees what other processes deny within 2 s. */
  readonly denyList: DenyList
  /** Notes a payment that the payee reported. The same one again changes nothing. */
  noteSettlement(settlement: {
    readonly paymentHash: string
    readonly amountMsat: bigint
    readonly settledAtSeconds: number
    readonly service: string | undefined
    readonly capability: string | undefined
  }): void
  /**
   * Notes that a token was admitted. Cheap to call for every request: what is known is remembered,
   * and `lastSeen` and use counts are written in batches.
   */
  noteToken(token: {
    readonly paymentHash: string
    readonly tokenId: string
    readonly amountMsat: bigint
    readonly service: string
    readonly capability: string
    readonly validUntilSeconds: number
  }): void
  /**
   * Notes that something was sold and can be paid. Written within a second unless it is paid before;
   * of many the newest 20 000 are kept.
   */
  noteSale(sale: {
    readonly paymentHash: string
    readonly service: string
    readonly capability: string
    /** When it is forgotten: some time after it can no longer be paid. */
    readonly untilSeconds: number
  }): void
  /**
   * What was sold, is not known to be paid, and is not to be forgotten before `untilAfterSeconds`, the
   * newest first. At most 20 000.
   */
  openSales(untilAfterSeconds: number): readonly OpenSale[]
  /** Payments of the last seven days that only a token told of, the newest first. At most 20 000. */
  unreportedPayments(): readonly OpenSale[]
  /** It can no longer be paid. */
  forgetSale(paymentHash: string): void
  /**
   * Takes one free request, if the network has one left in its window.
   *
   * @param key - What is counted together: service, capability and client network.
   */
  takeFree(key: string, requests: number, windowSeconds: number): boolean
  /**
   * Takes one from a rate shared by all processes (GCRA).
   *
   * @returns Seconds to wait, 0 when it was taken.
   */
  takeRate(
    key: string,
    rate: { readonly requests: number; readonly perSeconds: number; readonly burst: number },
  ): number
  deny(id: string, reason: string): void
  allow(id: string): boolean
  denials(): readonly Denial[]
  /**
   * The newest first. A page may hold fewer than `limit` although more follow: it looks at 2000 rows
   * at most. `next` is `undefined` on the last page, and only there.
   *
   * @throws {RangeError} for a `limit`, `id`, `state` or `after` that is none.
   */
  transactions(filter: TransactionFilter): {
    readonly items: readonly Transaction[]
    readonly next: string | undefined
  }
  /**
   * @param id - Payment hash or token id, or the first 8 or more digits of one.
   * @returns `undefined` when there is none, and when more than one begins like that.
   */
  transaction(id: string): Transaction | undefined
  /** Sums of the whole UTC days that the range touches, oldest first. `untilSeconds` is exclusive. */
  stats(range: {
    readonly fromSeconds: number
    readonly untilSeconds: number
    readonly service?: string
  }): readonly DayStats[]
  services(): readonly StoredService[]
  putService(name: string, document: string): void
  forgetService(name: string): boolean
  /** Writes and reads one row. @throws when the file cannot be used. */
  probe(): void
  /** Releases what a process that is no more had reserved. @throws {TypeError} for this process. */
  releaseOf(owner: string): void
  /**
   * Releases what all others had reserved, except those that still live. The primary calls it before
   * it serves.
   */
  releaseAbandoned(liveOwners: readonly string[]): void
  /** Writes what waits, and closes the file. */
  close(): void
}

export type StateOptions = {
  /** Absolute. Made with 0600 when it is not there. */
  readonly file: string
  /** Names this process in its reservations; unique among those that share the file. */
  readonly owner: string
  /** Seconds since 1970, with fractions where rates are to be exact. Default: the system clock. */
  readonly now?: () => number
  /** Seconds since any moment, from a clock that nobody can set. Default: the one of `performance`. */
  readonly elapsed?: () => number
  /** Told of what fails in the background: flushing, sweeping, following the deny list. */
  readonly onFailure?: (error: unknown) => void
}
