import type { Receipt } from 'satway/server'
import { isWithheld } from 'satway/server'
import type { UpstreamConfig } from '../config/index.ts'
import type { Exchange } from './exchange.ts'
import type { FactSigner } from './facts.ts'
import { createFactSigner } from './facts.ts'
import type { Forward } from './forward.ts'

/** What is done to the headers of every request to one upstream; made once by {@link requestRules}. */
export type RequestRules = {
  /** The value of `Host`, or of `:authority`. */
  readonly authority: string
  readonly keepHost: boolean
  /** Flat: name, value, … Set last. */
  readonly configured: readonly string[]
  /** The configured names, as {@link plainName} gives them. */
  readonly replaced: ReadonlySet<string>
  /** Whether a configured header has the name of one that the gateway sets itself. */
  readonly replacesOurs: boolean
  readonly sign: FactSigner | undefined
  /** What is done with a name, remembered by its spelling. */
  readonly fates: Map<string, Fate>
}

/**
 * `join`: lines of HTTP/2 that are one line of HTTP/1.1. `vouch`: names a client, which only a
 * trusted proxy may do.
 */
type Fate = 'keep' | 'drop' | 'join' | 'vouch'

/** Names remembered by their spelling. A client that invents more makes us forget, not grow. */
const fateLimit = 1024

/** Never passed on, in either direction. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Of the client's headers these are the gateway's to set, or belong to its own connection. */
const gatewayOwned: ReadonlySet<string> = new Set([
  'content-length',
  'expect',
  'forwarded',
  'host',
  'x-real-ip',
  // Frameworks take these for the target or the host, and serve another path than was paid for.
  'x-original-host',
  'x-original-url',
  'x-rewrite-url',
])

/** By these, content networks tell who the client is. Anybody can write them. */
const namesClient: ReadonlySet<string> = new Set([
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'fastly-client-ip',
  'fly-client-ip',
  'true-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
])

/** Names of ours that a configured header may replace. */
const ours = /^(?:via|x-forwarded-.*|satway-.*)$/

const via: Readonly<Record<string, string>> = {
  '1.0': '1.0 satway',
  '1.1': '1.1 satway',
  '2.0': '2.0 satway',
}

/**
 * Reads an upstream's configuration into the rules for {@link requestHeaders}. Configured headers
 * that belong to one connection (`Connection`, `Content-Length`, …) are left out.
 *
 * @param now - Seconds since 1970, for the signature.
 */
export function requestRules(
  config: UpstreamConfig,
  now: () => number = () => Date.now() / 1000,
): RequestRules {
  const configured: string[] = []
  const replaced = new Set<string>()
  let authority = config.url.host
  let keepHost = config.keepHost
  for (const [name, value] of config.headers) {
    const plain = plainName(name)
    if (plain === 'host') {
      authority = value
      keepHost = false
    }
    if (isOfOneConnection(plain) || plain === 'content-length' || plain === 'host') continue
    configured.push(name, value)
    replaced.add(plain)
  }
  return {
    authority,
    keepHost,
    configured,
    replaced,
    replacesOurs: [...replaced].some((name) => ours.test(name)),
    sign: config.signingKey === undefined ? undefined : createFactSigner(config.signingKey, now),
    fates: new Map(),
  }
}

/**
 * The headers that a request is forwarded with, as a flat list: name, value, … `Host` comes first.
 * There is no `Content-Length`, `Transfer-Encoding`, `Connection`, `TE` or `Expect` in it: they
 * belong to the connection to the upstream, and who writes there sets them. Cookie lines of HTTP/2
 * are joined.
 *
 * @spec gateway.md R-FWD-1, R-FWD-2, R-FWD-3, R-FWD-4, R-FWD-5, R-FWD-6
 */
export function requestHeaders(
  rules: RequestRules,
  { request, peer }: Pick<Exchange, 'request' | 'peer'>,
  forward: Forward,
): string[] {
  const { rawHeaders, httpVersion } = request
  const dismissed = namedByConnection(rawHeaders)
  const list = ['Host', rules.keepHost ? forward.host : rules.authority]
  let cookie: string | undefined

  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    const value = rawHeaders[i + 1]!
    const fate = rules.fates.get(name) ?? learn(rules, name)
    if (fate === 'drop' || isWithheld(name, value)) continue
    if (fate === 'vouch' && forward.forwardedFor.length === 0) continue
    if (dismissed?.includes(plainName(name)) === true) continue
    if (fate === 'join' && httpVersion === '2.0') {
      cookie = cookie === undefined ? value : `${cookie}; ${value}`
      continue
    }
    list.push(name, value)
  }
  if (cookie !== undefined) list.push('cookie', cookie)

  addForwarding(list, httpVersion, peer.address, forward)
  addFacts(list, forward.receipt)
  if (rules.sign !== undefined) rules.sign(list, forward)
  if (rules.configured.length === 0) return list
  return [...(rules.replacesOurs ? without(list, rules.replaced) : list), ...rules.configured]
}

/**
 * The headers that a response goes to the client with, as a flat list in the upstream's spelling and
 * order, with what `started` gave in place of the upstream's. Lines that stand twice stay so.
 *
 * @param raw - Flat: name, value, … of the upstream. Pseudo-headers are passed over.
 * @spec gateway.md R-FWD-1, R-FWD-7, R-FWD-8
 */
export function responseHeaders(
  raw: readonly (string | Buffer)[],
  status: number,
  added: readonly (readonly [string, string])[],
): string[] {
  const dismissed = namedByConnection(raw)
  const list: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = latin1(raw[i]!)
    const fate = responseFates.get(name) ?? learnOfResponse(name)
    if (fate === 'drop' || isReplaced(name, added)) continue
    if (dismissed?.includes(plainName(name)) === true) continue
    if (status === 204 && name.length === 14 && name.toLowerCase() === 'content-length') continue
    list.push(name, latin1(raw[i + 1]!))
  }
  for (let i = 0; i < added.length; i++) list.push(added[i]![0], added[i]![1])
  return list
}

/** Of trailers: what could be taken for framing, routing or authentication of the message. */
const notInTrailers =
  /^(?:content-(?:length|encoding|type|range)|host|cache-control|set-cookie|(?:www|proxy)-authenticate|authorization|cookie|location|vary)$/

/**
 * The trailers that go to the client, as pairs.
 *
 * @param raw - Flat: name, value, …
 * @spec gateway.md R-FWD-19
 */
export function responseTrailers(raw: readonly (string | Buffer)[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = latin1(raw[i]!)
    if ((responseFates.get(name) ?? learnOfResponse(name)) === 'drop') continue
    if (notInTrailers.test(plainName(name))) continue
    pairs.push([name, latin1(raw[i + 1]!)])
  }
  return pairs
}

/** What is not the client's to say behind its body either, beyond what headers must not say. */
const notInRequestTrailers = /^(?:via|macaroon|grpc-.*)$/

/**
 * The trailers of a request that go to the upstream, by name in lower case. An upstream may take
 * trailers for headers: what a client must not say there is not passed here either.
 *
 * @param raw - Flat: name, value, …
 * @spec gateway.md R-GRPC-12
 */
export function requestTrailers(
  rules: RequestRules,
  raw: readonly string[],
): Record<string, string[]> {
  const trailers: Record<string, string[]> = {}
  if (raw.length === 0) return trailers
  for (const [name, value] of responseTrailers(raw)) {
    const plain = plainName(name)
    if (fateOf(rules, name) !== 'keep' || notInRequestTrailers.test(plain)) continue
    if (isWithheld(name, value)) continue
    trailers[name.toLowerCase()] = [...(trailers[name.toLowerCase()] ?? []), value]
  }
  return trailers
}

/**
 * A name as an upstream may read it: in lower case, `_` like `-`. CGI makes one variable of
 * `X-Forwarded-For` and `x_forwarded_for`.
 */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}

/** Whether a header is about one connection. Takes a {@link plainName}. */
export function isOfOneConnection(plain: string): boolean {
  // `Proxy` alone is the variable HTTP_PROXY to a CGI program.
  return (
    hopByHop.has(plain) || plain.startsWith('proxy-') || plain === 'proxy' || plain === 'expect'
  )
}

function learn(rules: RequestRules, name: string): Fate {
  const fate = fateOf(rules, name)
  if (rules.fates.size >= fateLimit) rules.fates.clear()
  rules.fates.set(name, fate)
  return fate
}

function fateOf(rules: RequestRules, name: string): Fate {
  const plain = plainName(name)
  if (plain === 'cookie' && !rules.replaced.has(plain)) return 'join'
  if (plain.startsWith(':') || isOfOneConnection(plain)) return 'drop'
  if (gatewayOwned.has(plain) || plain.startsWith('x-forwarded-')) return 'drop'
  if (rules.replaced.has(plain)) return 'drop'
  return namesClient.has(plain) ? 'vouch' : 'keep'
}

const responseFates = new Map<string, Fate>()

function learnOfResponse(name: string): Fate {
  const plain = plainName(name)
  const dropped = plain.startsWith(':') || isOfOneConnection(plain) || plain.startsWith('satway-')
  const fate = dropped ? 'drop' : 'keep'
  if (responseFates.size >= fateLimit) responseFates.clear()
  responseFates.set(name, fate)
  return fate
}

/** What the sender's `Connection` names, beyond what is removed anyway. Mostly nothing. */
function namedByConnection(raw: readonly (string | Buffer)[]): string[] | undefined {
  let named: string[] | undefined
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length !== 10 || latin1(raw[i]!).toLowerCase() !== 'connection') continue
    const value = latin1(raw[i + 1]!)
    if (value === 'keep-alive' || value === 'close') continue
    named ??= []
    for (const option of value.split(',')) named.push(plainName(option.trim()))
  }
  return named
}

function isReplaced(name: string, added: readonly (readonly [string, string])[]): boolean {
  for (let i = 0; i < added.length; i++) {
    const other = added[i]![0]
    if (other.length === name.length && other.toLowerCase() === name.toLowerCase()) return true
  }
  return false
}

function addForwarding(
  list: string[],
  httpVersion: string,
  peerAddress: string,
  { forwardedFor, scheme, host }: Forward,
): void {
  const chain =
    forwardedFor.length === 0 ? peerAddress : `${forwardedFor.join(', ')}, ${peerAddress}`
  list.push('X-Forwarded-For', chain, 'X-Forwarded-Proto', scheme, 'X-Forwarded-Host', host)
  list.push('Via', via[httpVersion] ?? '1.1 satway')
}

function addFacts(list: string[], receipt: Receipt | undefined): void {
  if (receipt === undefined) return
  list.push('Satway-Token-Id', receipt.tokenId, 'Satway-Payment-Hash', receipt.paymentHash)
  list.push('Satway-Service', receipt.service, 'Satway-Capability', receipt.capability)
  list.push('Satway-Amount-Msat', receipt.amountMsat.toString())
}

function without(list: readonly string[], unwanted: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let i = 0; i < list.length; i += 2) {
    if (!unwanted.has(plainName(list[i]!))) kept.push(list[i]!, list[i + 1]!)
  }
  return kept
}

function latin1(text: string | Buffer): string {
  return typeof text === 'string' ? text : text.toString('latin1')
}
