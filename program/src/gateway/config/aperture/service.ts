import { isMapping } from '../schema.ts'
import { readPrice } from '../units.ts'
import { readPathPrefix, readUpstreamUrl } from '../urls.ts'
import { readAuth } from './auth.ts'
import { translateHeaders } from './headers.ts'
import type { Note, Noting } from './notes.ts'
import { findIgnored } from './notes.ts'
import { covers, mountOf, translateHosts, translatePaths } from './places.ts'
import { readRateLimits } from './rate-limits.ts'
import { listOfTexts, mappingOf, numberOf, objection, textOf } from './values.ts'
import { flowMapping, literal, scalar } from './yaml-text.ts'

/** A service on its way. `settings` are lines of YAML without their indent. */
export type Imported = {
  readonly path: string
  readonly name: string
  readonly hosts: readonly string[]
  readonly mount: string
  readonly upstream: readonly string[]
  /** Names and values of `defaults`. */
  readonly defaults: readonly (readonly [string, string])[]
  /** `* /v1/*` to its value. */
  readonly routes: ReadonlyMap<string, string>
  /** Whether Aperture's expressions matched more. */
  readonly isNarrower: boolean
}

/** A host that no request names: what is behind it is not sold until somebody fills it in. */
export const nowhere = 'fill-in.invalid'
const year = '365d'

/**
 * Translates one of Aperture's services.
 *
 * @param taken - Names that other services have.
 * @spec gateway.md R-CONF-21, R-CONF-22
 */
export function importService(
  given: unknown,
  path: string,
  taken: ReadonlySet<string>,
  notes: Note[],
): Imported | undefined {
  const note: Noting = (kind, member, message) => {
    notes.push({ kind, path: member === '' ? path : `${path}.${member}`, message })
  }
  if (!isMapping(given)) {
    note('left-out', '', 'is no mapping')
    return undefined
  }
  notes.push(...findIgnored(given, 'services[]', path))
  const name = nameOf(given['name'], taken, note)
  const hosts = hostsOf(given['hostregexp'], note)
  const places = pathsOf(given['pathregexp'], note)
  const paths = places.values
  const rates = readRateLimits(given['ratelimits'], paths, note)
  const auth = readAuth(given, note)
  const price = auth.isFree ? undefined : priceOf(given, note)
  const routes = new Map<string, string>()
  const limited = [...rates.byPath].filter(([at]) => paths.some((one) => covers(one, at)))
  const free = whitelistOf(given, paths, note)
  for (const at of [...paths, ...limited.map(([one]) => one), ...free]) {
    const isFree = price === undefined || free.some((one) => covers(one, at))
    routes.set(`* ${at}`, routeOf(isFree ? undefined : price, rates.byPath.get(at)))
  }
  skipped(given, note)
  return {
    path,
    name,
    hosts: hosts.values,
    isNarrower: hosts.isNarrower || places.isNarrower,
    mount: mountOf([...routes.keys()].map((key) => key.slice(2))),
    upstream: upstreamOf(given, note),
    defaults: [
      ['capability', capabilityOf(given, note)],
      ['lifetime', lifetimeOf(given, note)],
      ...(auth.freeRequests === undefined || auth.isFree
        ? []
        : ([['free_tier', `{ requests: ${auth.freeRequests}, per: ${year} }`]] as const)),
      ...(rates.general === undefined ? [] : ([['rate_limit', rates.general]] as const)),
      ...rewriteOf(given, note),
    ],
    routes,
  }
}

/** The value of a route, in short where that says it. A price that is asked for is a mapping itself. */
function routeOf(price: string | undefined, rate: string | undefined): string {
  if (rate === undefined && price === undefined) return 'free'
  if (rate === undefined && price !== undefined && !price.startsWith('{')) return price
  const members = [price === undefined ? 'free: true' : `price: ${price}`]
  if (rate !== undefined) members.push(`rate_limit: ${rate}`)
  return `{ ${members.join(', ')} }`
}

function nameOf(value: unknown, taken: ReadonlySet<string>, note: Noting): string {
  const given = textOf(value) ?? ''
  const plain = given.toLowerCase().replace(/[^a-z0-9-]+/g, '-')
  const base = /^[a-z]/.test(plain) ? plain.slice(0, 32) : `service-${plain}`.slice(0, 32)
  let name = base.replace(/-+$/, '')
  for (let number = 2; taken.has(name); number++) name = `${base.slice(0, 28)}-${number}`
  if (name === given) note('carried', 'name', name)
  else
    note(
      'changed',
      'name',
      `is ${name} here: names are lower-case letters, digits and -, each once`,
    )
  return name
}

type Places = { readonly values: readonly string[]; readonly isNarrower: boolean }

function hostsOf(value: unknown, note: Noting): Places {
  const source = textOf(value) ?? ''
  const translation = translateHosts(source)
  if (translation === undefined) {
    note(
      'fill-in',
      'hostregexp',
      `cannot be said as host names exactly; it became ${nowhere}, which nobody asks for: write the hosts`,
    )
    return { values: [nowhere], isNarrower: true }
  }
  const { values, isNarrower } = translation
  const what = values.includes('*') ? 'any host' : values.join(', ')
  if (isNarrower)
    note('changed', 'hostregexp', `is ${what} here; the expression matched more hosts`)
  else note('carried', 'hostregexp', what)
  if (/:(?:\d|\\d|\[0-9\])/.test(source)) {
    note('changed', 'hostregexp', 'hosts are compared without their port')
  }
  return translation
}

function pathsOf(value: unknown, note: Noting): Places {
  const translation = translatePaths(textOf(value) ?? '')
  if (translation === undefined) {
    const place = '/fill-in'
    note(
      'fill-in',
      'pathregexp',
      `cannot be said as routes exactly; it became ${place}: write the paths that are sold`,
    )
    return { values: [place], isNarrower: true }
  }
  const what = translation.values.join(', ')
  if (!translation.isNarrower) note('carried', 'pathregexp', `routes ${what}`)
  else note('changed', 'pathregexp', `routes ${what}; the expression matched more paths`)
  return translation
}

/** Paths without payment. What cannot be said exactly stays paid. */
function whitelistOf(
  given: Readonly<Record<string, unknown>>,
  paths: readonly string[],
  note: Noting,
): readonly string[] {
  return listOfTexts(given['authwhitelistpaths']).flatMap((source, index) => {
    const member = `authwhitelistpaths[${index}]`
    const translation = translatePaths(source)
    if (translation === undefined) {
      note('fill-in', member, 'cannot be said as routes exactly; these paths must be paid for here')
      return []
    }
    const free = translation.values.flatMap((value) => {
      const narrower = paths.filter((path) => covers(value, path))
      return paths.some((path) => covers(path, value)) ? [value] : narrower
    })
    if (free.length === 0) {
      note('left-out', member, 'is outside of the paths of the service')
      return []
    }
    const isNarrower =
      translation.isNarrower || !free.every((one) => translation.values.includes(one))
    const more = isNarrower ? '; what else the expression matched must be paid for here' : ''
    note(isNarrower ? 'changed' : 'carried', member, `free: ${free.join(', ')}${more}`)
    return free
  })
}

function priceOf(given: Readonly<Record<string, unknown>>, note: Noting): string {
  const dynamic = mappingOf(given['dynamicprice'])
  if (dynamic['enabled'] === true) {
    const url = 'http://fill-in.invalid/price'
    note(
      'fill-in',
      'dynamicprice',
      `its pricer speaks gRPC, the gateway's HTTP; it became ${url}, so nothing is sold before there is one`,
    )
    if (dynamic['metered'] === true) {
      note('left-out', 'dynamicprice.metered', 'metered prices are not carried over')
    }
    return `{ url: ${scalar(url)} }`
  }
  const price = numberOf(given['price'])
  if (given['price'] === undefined || price === 0) {
    note('carried', 'price', '1 sat, what Aperture takes where there is none')
    return '1 sat'
  }
  if (price === undefined || price < 0) {
    note('fill-in', 'price', 'is no whole number of satoshi; it became 1 sat')
    return '1 sat'
  }
  if (objection(() => readPrice(`${price} sat`)) !== undefined) {
    note('fill-in', 'price', 'is more than an invoice can ask; write a price')
  }
  note('carried', 'price', `${price} sat`)
  return `${price} sat`
}

function lifetimeOf(given: Readonly<Record<string, unknown>>, note: Noting): string {
  const seconds = numberOf(given['timeout'])
  if (seconds === undefined || seconds <= 0) {
    note('changed', 'timeout', `none: tokens live for ${year} here, the most there is`)
    return year
  }
  if (seconds > 31_536_000) {
    note('changed', 'timeout', `${year}, the most there is`)
    return year
  }
  note('carried', 'timeout', `lifetime ${seconds}s`)
  return `${seconds}s`
}

function capabilityOf(given: Readonly<Record<string, unknown>>, note: Noting): string {
  const all = (textOf(given['capabilities']) ?? '').split(',').map((text) => text.trim())
  const [first = ''] = all
  if (Object.keys(mappingOf(given['constraints'])).length > 0) {
    note('left-out', 'constraints', 'Aperture wrote them into tokens and never enforced them')
  }
  if (all.length === 1 && /^[a-z0-9][a-z0-9.-]{0,63}$/.test(first)) {
    note('carried', 'capabilities', `${first}, and it is enforced here`)
    return scalar(first)
  }
  if (first !== '') {
    note(
      'changed',
      'capabilities',
      'one token opens the whole service, as before: Aperture never enforced them. To sell them apart, name one for each route',
    )
  }
  return 'all'
}

function rewriteOf(
  given: Readonly<Record<string, unknown>>,
  note: Noting,
): readonly (readonly [string, string])[] {
  const prefix = textOf(mappingOf(given['rewrite'])['prefix']) ?? ''
  if (prefix === '' || prefix === '/') return []
  const path = prefix.replace(/\/$/, '')
  const mistake = objection(() => readPathPrefix(path))
  if (mistake !== undefined) {
    note('fill-in', 'rewrite.prefix', `cannot be put before paths as it is: ${mistake}`)
    return [['rewrite', flowMapping([['add_prefix', literal(path)]])]]
  }
  note('carried', 'rewrite.prefix', `rewrite: { add_prefix: ${path} }`)
  return [['rewrite', flowMapping([['add_prefix', literal(path)]])]]
}

function upstreamOf(given: Readonly<Record<string, unknown>>, note: Noting): readonly string[] {
  const address = textOf(given['address']) ?? ''
  const isTls = (textOf(given['protocol']) ?? 'http').toLowerCase() === 'https'
  const url = `${isTls ? 'https' : 'http'}://${address === '' ? nowhere : address}`
  const mistake = objection(() => readUpstreamUrl(url))
  if (address === '') note('fill-in', 'address', 'is missing')
  else if (mistake !== undefined) note('fill-in', 'address', `is no address here: ${mistake}`)
  else note('carried', 'address', url)
  const lines = [`url: ${literal(url)}`]
  const looksLikeGrpc = /^\^?\/\w+(?:\\?\.\w+)+\/?/.test(textOf(given['pathregexp']) ?? '')
  if (looksLikeGrpc) {
    const protocol = isTls ? 'h2' : 'h2c'
    lines.push(`protocol: ${protocol} # its paths look like gRPC; http/1.1 if it is not`)
    note('changed', 'protocol', `${protocol}, because its paths look like gRPC`)
  }
  const certificate = textOf(given['tlscertpath']) ?? ''
  if (certificate !== '' && isTls) {
    lines.push(`ca: ${literal(`file:${certificate}`)}`)
    note(
      'changed',
      'tlscertpath',
      'Aperture never verified it; here it must be valid for its host, or name it with server_name',
    )
  }
  if (isTls && certificate === '') {
    note(
      'changed',
      'protocol',
      'Aperture never verified the certificate of its backend; here it is: for a private one name its ca',
    )
  }
  const headers = translateHeaders(given['headers'], note)
  if (headers.length > 0) lines.push('headers:', ...headers.map((line) => `  ${line}`))
  return lines
}

/** What has no place here. */
function skipped(given: Readonly<Record<string, unknown>>, note: Noting): void {
  if (listOfTexts(given['authskipinvoicecreationpaths']).length > 0) {
    note(
      'left-out',
      'authskipinvoicecreationpaths',
      'these paths answer 402 with an invoice, like the others',
    )
  }
  const scheme = (textOf(given['authscheme']) ?? 'l402').toLowerCase()
  if (scheme !== 'l402')
    note('left-out', 'authscheme', 'MPP is not carried over; L402 is what is sold')
  const forms = { dynamicprice: 'services[].dynamicprice', rewrite: 'services[].rewrite' }
  for (const [member, form] of Object.entries(forms)) {
    for (const { kind, path, message } of findIgnored(mappingOf(given[member]), form, member)) {
      note(kind, path, message)
    }
  }
}
