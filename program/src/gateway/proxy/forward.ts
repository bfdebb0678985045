import type { Receipt } from 'satway/server'
import type { UpstreamConfig } from '../config/index.ts'
import type { Exchange, UpgradeExchange } from './exchange.ts'

/** How much of the bodies went through so far, in bytes. Engines add to it. */
export type Traffic = { requestBytes: number; responseBytes: number }

/** One admitted request on its way to the upstream. */
export type Forward = {
  readonly method: string
  /** What is asked of the upstream: canonical, rewritten path and query. */
  readonly target: string
  /** The client, after trusted proxies. */
  readonly clientAddress: string
  /** As the client knows it: `api.example.com:8443`. */
  readonly host: string
  readonly scheme: 'http' | 'https'
  /** `X-Forwarded-For` lines of a trusted proxy, to be continued; empty otherwise. */
  readonly forwardedFor: readonly string[]
  /** `undefined` when the request is free. */
  readonly receipt: Receipt | undefined
  readonly maxBodyBytes: number
  readonly headMs: number
  readonly idleMs: number
  /** How long the client may send nothing of its body, if that is less than `idleMs`. */
  readonly bodyIdleMs?: number | undefined
  /** What was read of the body already, for a pricer or a digest; goes first. */
  readonly bodyStart: Buffer | undefined
  readonly traffic?: Traffic
  /**
   * Called once, when the head of the response is there, before anything is sent to the client.
   * Gives the headers to add or replace. The use is durable when it resolves.
   */
  readonly started: (
    status: number,
    current: (name: string) => string | undefined,
  ) => Promise<readonly (readonly [string, string])[]> | readonly (readonly [string, string])[]
}

/** How an exchange ended. Exactly one end for each {@link Forward}. */
export type ForwardEnd =
  /** All of the response went to the client. */
  | { readonly kind: 'done'; readonly status: number }
  /** The client left. `status` is `undefined` when no head had come. */
  | { readonly kind: 'client-left'; readonly status: number | undefined }
  /** No head came: the caller answers with this status and code. Nothing was sent to the client. */
  | {
      readonly kind: 'refused'
      readonly status: 400 | 408 | 413 | 502 | 504
      readonly code: /** Of an upgrade that is none. */
        | 'REQUEST_AMBIGUOUS'
        | 'REQUEST_TOO_LARGE'
        | 'REQUEST_TIMEOUT'
        | 'UPSTREAM_UNAVAILABLE'
        | 'UPSTREAM_TIMEOUT'
      /** Whether anything of the request may have reached the upstream. */
      readonly wasSent: boolean
      /** For the operator's log: no header or body of the request. */
      readonly error: unknown
    }
  /** The head was sent, then the upstream broke off or stalled: the client's response was cut. */
  | { readonly kind: 'cut'; readonly status: number; readonly error: unknown }

/** One service's upstream. */
export type Upstream = {
  readonly config: UpstreamConfig
  /** Sends the request and streams the response back. Never rejects. */
  forward(exchange: Exchange, forward: Forward): Promise<ForwardEnd>
  /** Joins the client's connection and the upstream's after a 101. Resolves when both are over. */
  upgrade(exchange: UpgradeExchange, forward: Forward, signal: AbortSignal): Promise<ForwardEnd>
  /** Whether it can be reached. Never rejects. */
  probe(signal: AbortSignal): Promise<{ readonly ok: boolean; readonly detail: string }>
  /** Closes idle connections now and the others as they finish. */
  close(): Promise<void>
}
