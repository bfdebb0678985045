import type { Code } from 'satway'

/** What is known of one exchange at its end. Carries no token, no preimage, no header, no query. */
export type ExchangeRecord = {
  /** Milliseconds since 1970. */
  readonly startedAtMs: number
  readonly durationMs: number
  readonly method: string
  /** The canonical path, or an empty text when the target had none. Never the query. */
  readonly path: string
  readonly host: string
  readonly protocol: 'http/1.1' | 'http/2' | 'websocket' | 'grpc'
  readonly status: number
  /** What a refused client was told; `undefined` for an admitted request. */
  readonly code: Code | undefined
  /** What was wrong, precisely. */
  readonly cause: Code | undefined
  readonly clientAddress: string
  readonly service: string | undefined
  readonly route: string | undefined
  /** 32 bytes in hex. */
  readonly tokenId: string | undefined
  readonly paymentHash: string | undefined
  /** What the token was bought for, or what the challenge asks. */
  readonly amountMsat: bigint | undefined
  readonly outcome: 'paid' | 'free' | 'challenged' | 'refused' | 'dry-run' | 'failed'
  readonly end: 'done' | 'client-left' | 'cut' | 'refused'
  readonly requestBytes: number
  readonly responseBytes: number
  /** In a dry run: what would have been answered. */
  readonly wouldBe: number | undefined
}

/** Told of everything that happens. Cheap: called for every request. */
export type Observer = {
  exchange(record: ExchangeRecord): void
  challenge(service: string, reused: boolean, amountMsat: bigint): void
  settled(service: string | undefined, amountMsat: bigint): void
  failure(
    part: 'payee' | 'price' | 'use-store' | 'deny-list' | 'upstream' | 'rates',
    service: string | undefined,
    error: unknown,
  ): void
  connections(open: number): void
}
