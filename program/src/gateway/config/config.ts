import type { Msat, Network } from 'satway'
import type { WalletKind, WalletUri } from 'satway/lightning/wallet'

/**
 * The gateway's configuration, read, checked, with every default filled in and every reference
 * (`${NAME}`, `file:…`) resolved. A value: a reload makes a new one.
 */
export type GatewayConfig = {
  readonly listen: readonly ListenerConfig[]
  /** Proxies whose `X-Forwarded-For` counts. CIDR. */
  readonly trustedProxies: readonly string[]
  /** Who is turned away whatever they ask for. CIDR. */
  readonly block: readonly string[]
  readonly wallet: WalletConfig
  /** `kid:hex,…`, as `parseKeyRing` takes it. A secret. Absent: made at the first start. */
  readonly keys: string | undefined
  /** The file the keys came from, where `satway keys` can change them. */
  readonly keysFile: string | undefined
  /** The file of the state, absolute. */
  readonly state: string
  readonly admin: AdminConfig | undefined
  readonly issuance: IssuanceConfig
  readonly limits: EdgeLimits
  /** Where fiat prices get their rates. Only if some price is in fiat. */
  readonly rates: RateSourceConfig | undefined
  readonly log: { readonly access: 'json' | 'text' | 'off'; readonly file: string | undefined }
  /** How long a shutdown waits for open requests, in milliseconds. */
  readonly drainMs: number
  readonly cors: boolean
  readonly legacyLsat: 'off' | 'after' | 'first'
  readonly unknownCaveats: 'refuse' | 'skip'
  readonly invalidCredential: 401 | 402
  readonly priceGracePercent: number
  readonly challengeSeconds: number
  readonly services: readonly ServiceConfig[]
}

export type ListenerConfig = {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly tls: TlsConfig | undefined
  /** With TLS: by ALPN. Without: by prior knowledge (h2c), as gRPC clients do. Default true. */
  readonly http2: boolean
  /** Peers that must begin with a PROXY protocol header (v1 or v2). CIDR. Others must not. */
  readonly proxyProtocolFrom: readonly string[]
  /**
   * Answers another proxy's question (`auth_request`, `forward_auth`) instead of forwarding: `nginx`
   * with 200 and 401, `forward` with the real answer. `undefined`: this listener is the proxy.
   */
  readonly forwardAuth: 'nginx' | 'forward' | undefined
}

export type TlsConfig =
  /** PEM text, and the files they came from, so that a renewed certificate is read again at reload. */
  | { readonly kind: 'own'; readonly certificate: string; readonly key: string }
  /** A self-signed one, kept in `folder` and renewed there. */
  | { readonly kind: 'generated'; readonly names: readonly string[]; readonly folder: string }
  | {
      readonly kind: 'acme'
      /** URL of the authority's directory. */
      readonly directory: string
      readonly email: string | undefined
      readonly names: readonly string[]
      /** Account key and certificates are kept here, 0700. */
      readonly folder: string
      /** Where HTTP-01 challenges are answered. */
      readonly httpHost: string
      readonly httpPort: number
      /** PEM of an authority of one's own that signs the directory's TLS. */
      readonly ca: string | undefined
    }

/** Who gets the money. */
export type WalletConfig =
  | {
      readonly kind: 'devnet'
      /** Where the address of a buyer's wallet is written, absolute; `undefined`: nowhere. */
      readonly file: string | undefined
      /** What the buyer's node starts with. */
      readonly balanceMsat: Msat
      /** Runs although NODE_ENV is `production`. */
      readonly force: boolean
    }
  | {
      readonly kind: 'uri'
      readonly wallet: WalletKind
      readonly network: Network
      readonly uri: WalletUri
      /** Starts although the credential can spend. */
      readonly allowSpending: boolean
    }

export type AdminConfig = {
  readonly host: string
  readonly port: number
  /** Root key of admin macaroons: 32 bytes, in this file, 0600, made at the first start. Absolute. */
  readonly keyFile: string
  /** Where the first, full macaroon is written, 0600. Absolute. */
  readonly macaroonFile: string
}

export type IssuanceConfig = {
  readonly burst: number
  readonly perMinute: number
  readonly globalBurst: number
  readonly globalPerMinute: number
}

export type EdgeLimits = {
  /** All of a request's head. Above: 431. */
  readonly headBytes: number
  readonly headerCount: number
  /** How long a client may take for the head of a request. */
  readonly headMs: number
  /** A request body that sends nothing for this long is cut (408). */
  readonly bodyIdleMs: number
  /** A keep-alive connection without a request is closed after this. */
  readonly keepAliveMs: number
  readonly connections: number
  readonly connectionsPerClient: number
}

export type RateSourceConfig = {
  /** Answers JSON. */
  readonly url: string
  /** Where the price of one bitcoin stands in the answer, `{currency}` filled in: `data.{currency}`. */
  readonly member: string
  /** How long a rate may be used after it was read. */
  readonly maxAgeMs: number
  readonly refreshMs: number
  readonly timeoutMs: number
}

export type ServiceConfig = {
  /** The service in the tokens. `[a-z][a-z0-9-]{0,31}` */
  readonly name: string
  /** Lower case, without port: `api.example.com`, `*.example.com`, `*` for any. */
  readonly hosts: readonly string[]
  /**
   * The paths it answers for: `/` for all, or `/v2` for `/v2` and all below. Of the services of one
   * host the longest mount that fits decides. Routes are full paths, below the mount.
   */
  readonly mount: string
  /** `undefined` where another proxy forwards: every listener is then for forward auth. */
  readonly upstream: UpstreamConfig | undefined
  /** `GET /v1/x` to what it costs; the keys of `createRoutes`. What is not listed is refused. */
  readonly routes: ReadonlyMap<string, RouteConfig>
}

export type UpstreamConfig = {
  /** `http:` or `https:`; path, if any, goes before every forwarded path. */
  readonly url: URL
  /** How the upstream is spoken to. gRPC needs `h2c` (http:) or `h2` (https:). */
  readonly protocol: 'http/1.1' | 'h2c' | 'h2'
  /** PEM of the authority that signs the upstream's certificate. The certificate is always verified. */
  readonly ca: string | undefined
  /** The name in the certificate, where it is not the host of the URL. */
  readonly serverName: string | undefined
  /** Set on every request, in place of the client's. */
  readonly headers: readonly (readonly [string, string])[]
  /** Key of the signature over the `Satway-*` facts. */
  readonly signingKey: string | undefined
  /** Passes the client's Host instead of the upstream's. */
  readonly keepHost: boolean
  readonly connectMs: number
  /** Until the head of the response. A stream that goes on is not cut by it. */
  readonly headMs: number
  /** Between two parts of a body, either way. */
  readonly idleMs: number
  /** Reuses connections. False for upstreams that are not trusted to keep responses apart. */
  readonly keepAlive: boolean
  /** A path that `readyz` asks for; any answer below 500 counts. `undefined`: a connection is enough. */
  readonly healthPath: string | undefined
}

export type RouteConfig = {
  /** `undefined`: free. */
  readonly sale: SaleConfig | undefined
  readonly rewrite: RewriteConfig | undefined
  /** Requests under way at a time; more are 503. `undefined`: any number. */
  readonly concurrency: number | undefined
  readonly rateLimit: RateLimitConfig | undefined
  /** Longest request body, in bytes. Above: 413. */
  readonly maxBodyBytes: number
  /** Overrides of the upstream's. */
  readonly headMs: number | undefined
  readonly idleMs: number | undefined
}

export type SaleConfig = {
  readonly price: PriceConfig
  readonly capability: string | undefined
  readonly tier: number
  readonly uses: number | undefined
  readonly lifetimeSeconds: number
  readonly description: string | undefined
  readonly freeTier: FreeTierConfig | undefined
}

export type PriceConfig =
  | { readonly kind: 'fixed'; readonly amountMsat: Msat }
  /** `amountMicros` millionths of one unit of `currency`: `0.01 USD` is 10 000. */
  | { readonly kind: 'fiat'; readonly amountMicros: bigint; readonly currency: string }
  | {
      readonly kind: 'http'
      readonly url: string
      readonly timeoutMs: number
      /** Request headers that the pricer is told, lower case. They become part of the token's scope. */
      readonly headers: readonly string[]
      /** Sends the body up to this many bytes; 0 sends none. */
      readonly bodyBytes: number
    }

export type FreeTierConfig = {
  readonly requests: number
  readonly windowSeconds: number
}

export type RateLimitConfig = {
  readonly requests: number
  readonly perSeconds: number
  readonly burst: number
  /** `token`: each token for itself, and who has none by network. */
  readonly by: 'token' | 'network'
}

/** `stripPrefix` is taken off the canonical path, then `addPrefix` is put before it. */
export type RewriteConfig = {
  readonly stripPrefix: string | undefined
  readonly addPrefix: string | undefined
}

/** One mistake in a configuration. */
export type ConfigMistake = {
  /** `services[0].routes["GET /x"].price`; empty for the document itself. */
  readonly path: string
  /** From 1. `undefined` where the mistake has no place in the file. */
  readonly line: number | undefined
  readonly column: number | undefined
  /** What was expected. Never repeats a secret. */
  readonly message: string
  /** The line itself, where its syntax is wrong. Words that could be a secret are dotted out. */
  readonly source?: string
  /** Set where two services claim one name, or one host and mount. */
  readonly isCollision?: true
}
