// The little that the benchmark and the tests use of packages that come without types.

declare module 'macaroon' {
  namespace macaroon {
    type Macaroon = {
      verify(rootKey: Uint8Array, check: (condition: string) => string | null): void
      addFirstPartyCaveat(condition: string): void
      exportBinary(): Uint8Array
    }
  }
  const macaroon: {
    importMacaroon(source: string | Uint8Array): macaroon.Macaroon
    newMacaroon(options: {
      readonly rootKey: string | Uint8Array
      readonly identifier: string | Uint8Array
      readonly location?: string
      readonly version: 1 | 2
    }): macaroon.Macaroon
  }
  export = macaroon
}

declare module 'autocannon' {
  namespace autocannon {
    type Result = {
      readonly duration: number
      readonly errors: number
      readonly timeouts: number
      readonly non2xx: number
      readonly requests: { readonly total: number }
      readonly latency: { readonly p50: number; readonly p99: number }
    }
  }
  const autocannon: (options: {
    readonly url: string
    readonly connections: number
    readonly duration: number
    readonly headers?: Readonly<Record<string, string>>
  }) => Promise<autocannon.Result>
  export = autocannon
}
