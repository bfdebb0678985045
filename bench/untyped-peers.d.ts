// The little that the benchmark and the tests use of packages that come without types.

declare module 'macaroon' {
  export type ImportedMacaroon = {
    verify(
      rootKey: Uint8Array,
      check: (condition: string) => string | null,
      discharges?: readonly ImportedMacaroon[],
    ): void
    addFirstPartyCaveat(condition: string): void
    exportBinary(): Uint8Array
    exportJSON(): { readonly i?: string; readonly i64?: string; readonly c?: readonly { readonly i?: string }[] }
  }
  export function importMacaroon(source: string | Uint8Array | object): ImportedMacaroon
  export function newMacaroon(options: {
    readonly rootKey: string | Uint8Array
    readonly identifier: string | Uint8Array
    readonly location?: string
    readonly version: 1 | 2
  }): ImportedMacaroon
  const macaroon: { importMacaroon: typeof importMacaroon; newMacaroon: typeof newMacaroon }
  export default macaroon
}

declare module 'autocannon' {
  export type Result = {
    readonly duration: number
    readonly errors: number
    readonly timeouts: number
    readonly non2xx: number
    readonly requests: { readonly total: number; readonly average: number }
    readonly latency: { readonly p50: number; readonly p99: number }
  }
  const autocannon: (options: {
    readonly url: string
    readonly connections: number
    readonly duration: number
    readonly headers?: Readonly<Record<string, string>>
  }) => Promise<Result>
  export default autocannon
}
