/**
 * The configuration that `satway init` writes. What is active works. A line that begins with `#` and
 * no space after it begins a setting to switch on by taking the `#` away, from all its lines; all of
 * them together are a configuration too.
 *
 * @param stem - What its other files are called after: `shop` for `shop.yaml`, so that two
 *   configurations in one folder share nothing.
 * @param wallet - `devnet`, or a wallet URI without a secret in it.
 * @spec gateway.md R-CONF-20
 */
export function configTemplate(stem: string, wallet = 'devnet'): string {
  const values: Readonly<Record<string, string>> = {
    WALLET_URI: quoted(wallet),
    KEYS_REFERENCE: quoted(`file:${keysFileName(stem)}`),
    STATE_FILE: quoted(`./${stem}.db`),
    ADMIN_API: adminOf(stem),
  }
  return template.replace(
    /WALLET_URI|KEYS_REFERENCE|STATE_FILE|ADMIN_API/g,
    (name) => values[name]!,
  )
}

/** The name of the key file, beside the configuration. */
export function keysFileName(stem: string): string {
  return `${stem}.keys`
}

function adminOf(stem: string): string {
  if (stem === usualStem) return `admin: ${adminAddress}`
  return `admin:
  # A second gateway on this machine needs another port here, and under listen.
  address: ${adminAddress}
  key: ${quoted(`./${stem}-admin.key`)}
  # Name it to satway admin: --macaroon, or SATWAY_ADMIN_MACAROON.
  macaroon: ${quoted(`./${stem}-admin.macaroon`)}`
}

/** Of `satway.yaml`, whose files have the names that every command looks for. */
const usualStem = 'satway'
const adminAddress = '127.0.0.1:8403'

/** A text that is not looked into for variables. */
function quoted(text: string): string {
  const literal = text.replaceAll('${', '$${')
  return /^[\w.:/-]+$/.test(literal) ? literal : JSON.stringify(literal)
}

const template = `# Configuration of the Satway gateway.
#
# Check it: satway config check FILE
# Run it: satway gateway --config FILE
# Reload it: send SIGHUP, or: satway admin reload
#
# Examples have no space after their "#": take it away to switch them on (from all their lines).
#
# Units: durations 250ms, 30s, 5m, 1h, 7d; sizes 64KiB, 10MiB; amounts 10 sat, 1500msat, 0.01 USD.
# References: "\${NAME}" in a text is an environment variable ("$$\{" is the characters themselves),
# "file:PATH" as a whole text is what a file says, without its last line end. Paths are relative to
# this file. Files with secrets must be yours alone: chmod 600.

# Where to listen. Several addresses, each with or without TLS, HTTP/1.1 and HTTP/2.
listen:
  - address: 127.0.0.1:8402
  # With a certificate of your own:
  #- address: 0.0.0.0:8443
  #  tls: { certificate: file:cert.pem, key: file:key.pem }
  #  http2: true
  # Behind a load balancer that begins connections with a PROXY protocol header:
  #  proxy_protocol_from: [10.0.0.0/8]
  # With a certificate that is made here, for tests and private networks:
  #- address: 0.0.0.0:8444
  #  tls: { generate: true, names: [localhost, 127.0.0.1], folder: ./tls }
  # With a certificate of a public authority, got and renewed by itself. Its questions come to port 80:
  #- address: 0.0.0.0:443
  #  tls:
  #    acme:
  #      directory: https://acme-v02.api.letsencrypt.org/directory
  #      agree_to_terms: true
  #      email: you@example.com
  #      names: [api.example.com]
  #      folder: ./acme
  #      http: 0.0.0.0:80
  # For a proxy that you already run, which asks about each request: nginx, or forward (Caddy, Traefik):
  #- address: 127.0.0.1:8404
  #  forward_auth: nginx

# Proxies in front of the gateway: what they say about a client's address (X-Forwarded-For) is believed.
#trusted_proxies: [10.0.0.0/8, 127.0.0.0/8]

# Who is turned away, whatever they ask for.
#block: [192.0.2.0/24, "2001:db8::/32"]

# Who gets the money. devnet is an embedded network without real money. In full:
# { devnet: { file: ~/.satway/devnet.json, balance: 1000000 sat, force: false } }
# For real: the URI of your node or wallet, with a credential that is paid and cannot spend, in a file
# of mode 0600 (file:/PATH) or a variable (env:NAME):
# lnd://HOST:8080?macaroon=file:/PATH&cert=file:/PATH
# cln://HOST:3010?rune=file:/PATH&cert=file:/PATH
# phoenixd://127.0.0.1:9740?password=file:/PATH
# nostr+walletconnect://PUBKEY?relay=wss://RELAY&secret=file:/PATH
# lnbits://HOST?key=file:/PATH
# btcpay://HOST/STOREID?key=file:/PATH
# charge://HOST:9112?token=file:/PATH
# lnurl:NAME@HOST
# or file:/PATH or env:NAME, and the whole URI there. &network=regtest and the like where it is not
# bitcoin. One that can spend is refused, unless: { uri: "…", allow_spending: true }
wallet: WALLET_URI

# The keys that tokens are signed with, or "\${L402_KEYS}". Rotate them with: satway keys rotate
keys: KEYS_REFERENCE

# What must survive: paid tokens, uses, revenue, services of the admin API.
state: STATE_FILE

# The admin API, for this machine only. Its key and its first macaroon are made at the first start,
# by default beside the state. In full: { address, key: ./admin.key, macaroon: ./admin.macaroon }; or false.
ADMIN_API

# How many invoices are made: for one client network, for all together, and how long one can be paid.
# Defaults.
#issuance: { burst: 60, per_minute: 60, global_burst: 1000, global_per_minute: 1000, challenge: 10m }

# What a client may take up. Defaults.
#limits:
#  head: 16KiB
#  headers: 100
#  head_timeout: 10s
#  body_idle: 30s
#  keep_alive: 75s
#  connections: 20000
#  connections_per_client: 1000

# Where the price of a bitcoin is read, for prices in USD and the like. Answers JSON; member says where
# in it. Without a rate that is fresh enough nothing is sold.
#rates:
#  url: https://rates.example.com/v1/btc?to={currency}
#  member: data.{currency}
#  max_age: 10m
#  refresh: 1m
#  timeout: 5s

# One line a request: json, text or off; to standard output unless a file is named. Never a secret.
#log: { access: json, file: ./access.log }

# How long a stop waits for requests that are under way. Default.
#drain: 30s

# Lets web pages of any origin read challenges, and answers preflights. Default.
#cors: true

# A second challenge line under the old name LSAT: off, after or first. Default.
#legacy_lsat: off

# A caveat that is not known here: refuse or skip. Default.
#unknown_caveats: refuse

# The answer to a token that is not valid: 401, or 402, which makes clients pay again. Default.
#invalid_credential: 401

# By how many per cent a token may have been cheaper than the price now. Default.
#price_grace: 0

# What is sold. A request that no route matches is refused (404), never free.
services:
  # The name stands in the tokens: a to z, digits and -. Do not change it once tokens are sold.
  - name: example
    # Host names it answers for, such as api.example.com and "*.example.com". Left out: any host.
    #hosts: [localhost, "*.example.com"]
    # The paths it answers for: / for all, /v1 for /v1 and all below. Routes are written in full.
    #mount: /
    upstream: http://127.0.0.1:3000
    # What holds for all its routes, unless a route says otherwise (none takes a setting away).
    #defaults: { lifetime: 1h, max_body: 10MiB }
    routes:
      # A method or *, and a path: :name stands for one segment, a last * for one or more. HEAD follows GET.
      GET /: free
      GET /v1/hello: 10 sat
      #GET /v1/weather/:city: 1500msat
      # Everything that a route can say:
      #POST /v1/report:
      #  price: 20 sat
      #  capability: report # routes of one capability are opened by the same token
      #  tier: 0
      #  uses: 1 # Default: any number
      #  lifetime: 1d # Default: 1h
      #  description: One report
      #  free_tier: { requests: 10, per: 1d } # of each client network
      #  rate_limit: { requests: 60, per: 1m, burst: 10, by: token } # or by: network
      #  concurrency: 8 # requests under way at a time
      #  max_body: 1MiB
      #  head_timeout: 2m # until the answer begins
      #  idle_timeout: 2m # while nothing moves
      #  rewrite: { strip_prefix: /v1, add_prefix: /api }
      # A price that a program of yours tells, for each request:
      #GET /v1/dynamic/*: { price: { url: "http://127.0.0.1:4000/price", headers: [x-size], body: 64KiB, timeout: 2s } }
      # A price in money, by the rate source above:
      #GET /v1/premium: 0.02 USD
      # A free route with settings:
      #GET /v1/open: { free: true, rate_limit: { requests: 60, per: 1m, by: network }, concurrency: 4 }

  # An upstream can say more:
  #- name: second
  #  hosts: [second.example.com]
  #  upstream:
  #    url: https://second.internal
  #    protocol: h2 # http/1.1, h2, or h2c for gRPC without TLS
  #    ca: file:ca.pem # the authority that signs its certificate
  #    server_name: second.internal
  #    headers: { X-Api-Key: "\${SECOND_API_KEY}" }
  #    sign: file:sign.key # signs the Satway-... headers, so that it knows them to be the gateway's
  #    keep_host: false
  #    connect_timeout: 5s
  #    head_timeout: 60s
  #    idle_timeout: 60s
  #    keep_alive: true
  #    health: /health
  #  routes:
  #    "* /*": 5 sat
`
