import { printable } from '../../cli/printable.ts'
import type { Screen } from '../../cli/screen.ts'
import { columns, pad, paragraph, table, wrap } from '../../cli/screen.ts'
import { formatAddress } from './addresses.ts'
import type {
  FreeTierConfig,
  GatewayConfig,
  ListenerConfig,
  RateLimitConfig,
  RouteConfig,
  ServiceConfig,
  WalletConfig,
} from './config.ts'
import { formatDuration, formatPrice } from './units.ts'

/** One route as it will be sold. Holds no secret. */
export type Good = {
  readonly service: string
  readonly hosts: readonly string[]
  readonly mount: string
  /** Scheme, host, port and path. */
  readonly upstream: string | undefined
  readonly route: string
  /** `free` where nothing is asked. */
  readonly price: string
  readonly uses: number | undefined
  /** Seconds; `undefined` for what is free. */
  readonly lifetimeSeconds: number | undefined
  /** Where one is named. */
  readonly capability: string | undefined
  readonly tier: number | undefined
  readonly freeTier: FreeTierConfig | undefined
  readonly rateLimit: RateLimitConfig | undefined
  readonly concurrency: number | undefined
}

/** Everything that a configuration sells or gives away, in its order. */
export function goodsOf(config: GatewayConfig): readonly Good[] {
  return config.services.flatMap((service) =>
    [...service.routes].map(([key, route]) => goodOf(service, key, route)),
  )
}

function goodOf(service: ServiceConfig, key: string, route: RouteConfig): Good {
  const { sale, rateLimit, concurrency } = route
  return {
    service: service.name,
    hosts: service.hosts,
    mount: service.mount,
    upstream: upstreamOf(service),
    route: key,
    price: sale === undefined ? 'free' : formatPrice(sale.price),
    uses: sale?.uses,
    lifetimeSeconds: sale?.lifetimeSeconds,
    capability: sale?.capability,
    tier: sale?.tier,
    freeTier: sale?.freeTier,
    rateLimit,
    concurrency,
  }
}

function upstreamOf({ upstream }: ServiceConfig): string | undefined {
  if (upstream === undefined) return undefined
  const { origin, pathname } = upstream.url
  return pathname === '/' ? origin : `${origin}${pathname}`
}

/** Each service with its place and its routes. Whatever the width, no word is broken that fits in it. */
export function renderGoods(screen: Screen, goods: readonly Good[]): string {
  const services = Map.groupBy(goods, ({ service }) => service)
  return [...services.values()].map((own) => renderService(screen, own)).join('\n')
}

function renderService(screen: Screen, goods: readonly Good[]): string {
  const { service, hosts, mount, upstream } = goods[0]!
  const place = table(screen, [
    ['upstream', printable(upstream ?? 'none: another proxy forwards')],
    ['hosts', hosts.includes('*') ? anyHost(hosts) : printable(hosts.join(', '))],
    ...(mount === '/' ? [] : [['mount', printable(mount)] as const]),
  ])
  return `${screen.bold(service)}\n${place}\n${renderRoutes(screen, goods)}`
}

function anyHost(hosts: readonly string[]): string {
  const named = hosts.filter((host) => host !== '*')
  return named.length === 0 ? 'any' : printable(`any, and ${named.join(', ')}`)
}

const titles = ['ROUTE', 'PRICE', 'USES', 'LIFETIME'] as const
const indent = 2

/** One line a route, where all of them fit, and under it what else it says. */
function renderRoutes(screen: Screen, goods: readonly Good[]): string {
  const rows = goods.map((good) => cellsOf(good))
  const widths = titles.map((title, column) =>
    Math.max(columns(title), ...rows.map((row) => columns(row[column]!))),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => pad(cell, widths[column]!))
      .join('  ')
      .trimEnd()
  const isFitting = [titles, ...rows].every((row) => indent + columns(line(row)) <= screen.width)
  const lines = goods.map((good, index) => {
    const row = rows[index]!
    const more = moreOf(good)
    const first = isFitting ? `  ${line(row)}\n` : paragraph(screen, '  ', row[0]!)
    const rest = isFitting ? more : [...termsOf(row), ...more]
    return first + notes(screen, rest)
  })
  return `${isFitting ? `  ${screen.dim(line(titles))}\n` : ''}${lines.join('')}`
}

function cellsOf(good: Good): readonly string[] {
  const { route, price, uses, lifetimeSeconds } = good
  const terms =
    lifetimeSeconds === undefined
      ? ['', '']
      : [uses?.toString() ?? 'any', formatDuration(lifetimeSeconds * 1000)]
  return [route, price, ...terms].map(printable)
}

/** The same in words, where there is no room for columns. */
function termsOf([, price = '', uses = '', lifetime = '']: readonly string[]): readonly string[] {
  if (lifetime === '') return [price]
  const count = uses === 'any' ? 'any number of uses' : uses === '1' ? '1 use' : `${uses} uses`
  return [price, count, `for ${lifetime}`]
}

function moreOf({ capability, tier, freeTier, rateLimit, concurrency }: Good): readonly string[] {
  return [
    ...(capability === undefined ? [] : [`capability ${capability}`]),
    ...(tier === undefined || tier === 0 ? [] : [`tier ${tier}`]),
    ...(freeTier === undefined
      ? []
      : [`first ${freeTier.requests} free per ${formatDuration(freeTier.windowSeconds * 1000)}`]),
    ...(rateLimit === undefined ? [] : [rateNote(rateLimit)]),
    ...(concurrency === undefined ? [] : [`${concurrency} at a time`]),
  ]
}

function rateNote({ requests, perSeconds, burst, by }: RateLimitConfig): string {
  const most = burst === requests ? '' : ` (${burst} at once)`
  return `at most ${requests} per ${formatDuration(perSeconds * 1000)}${most} by ${by}`
}

/** Facts stay whole, as far as they fit. */
function notes(screen: Screen, facts: readonly string[]): string {
  const width = screen.width - 2 * indent
  const lines: string[] = []
  for (const [index, fact] of facts.entries()) {
    const text = index === facts.length - 1 ? fact : `${fact},`
    const joined = `${lines.at(-1)} ${text}`
    if (lines.length > 0 && columns(joined) <= width) lines[lines.length - 1] = joined
    else lines.push(text)
  }
  return lines
    .flatMap((line) => wrap(printable(line), width))
    .map((line) => `    ${screen.dim(line)}\n`)
    .join('')
}

/** Where the gateway will listen, and what it will keep where. */
export function renderSettings(screen: Screen, config: GatewayConfig): string {
  const { admin, wallet, keysFile, keys } = config
  return table(screen, [
    ...config.listen.map((listener) => ['listens on', listenerNote(listener)] as const),
    ['admin API', admin === undefined ? 'off' : formatAddress(admin)],
    ['wallet', walletNote(wallet)],
    [
      'keys',
      keysFile ?? (keys === undefined ? 'made at the first start, beside the state' : 'given'),
    ],
    ['state', config.state],
  ])
}

function walletNote(wallet: WalletConfig): string {
  if (wallet.kind === 'devnet') return 'devnet: an embedded network, no real money'
  const money = wallet.network === 'bitcoin' ? 'real money' : 'no real money'
  const spends = wallet.allowSpending ? ', may be able to spend' : ''
  return `${wallet.wallet} (${wallet.network}), ${money}${spends}`
}

function listenerNote(listener: ListenerConfig): string {
  const address = formatAddress(listener)
  if (listener.forwardAuth !== undefined) return `${address}, questions of ${listener.forwardAuth}`
  if (listener.tls === undefined) return `${address}, without TLS`
  const names = { own: 'own certificate', generated: 'generated certificate', acme: 'ACME' }
  return `${address}, TLS (${names[listener.tls.kind]})`
}
