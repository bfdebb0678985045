import { printable } from '../../cli/printable.ts'
import type { Screen } from '../../cli/screen.ts'
import { columns, pad, shorten, table } from '../../cli/screen.ts'
import { formatAddress } from './addresses.ts'
import type { GatewayConfig, ListenerConfig, RouteConfig, ServiceConfig } from './config.ts'
import { formatDuration, formatPrice } from './units.ts'

/** One route as it will be sold. Holds no secret. */
export type Good = {
  readonly service: string
  readonly hosts: readonly string[]
  readonly route: string
  /** `free` where nothing is asked. */
  readonly price: string
  readonly uses: number | undefined
  /** Seconds; `undefined` for what is free. */
  readonly lifetimeSeconds: number | undefined
  /** Scheme, host and port. */
  readonly upstream: string | undefined
}

/** Everything that a configuration sells or gives away, in its order. */
export function goodsOf(config: GatewayConfig): readonly Good[] {
  return config.services.flatMap((service) =>
    [...service.routes].map(([key, route]) => goodOf(service, key, route)),
  )
}

function goodOf(service: ServiceConfig, key: string, { sale }: RouteConfig): Good {
  return {
    service: service.name,
    hosts: service.hosts,
    route: key,
    price: sale === undefined ? 'free' : formatPrice(sale.price),
    uses: sale?.uses,
    lifetimeSeconds: sale?.lifetimeSeconds,
    upstream: service.upstream?.url.origin,
  }
}

const titles = ['SERVICE', 'HOST', 'ROUTE', 'PRICE', 'USES', 'LIFETIME', 'UPSTREAM'] as const

/** A table, one line a route. What repeats from line to line is left out. */
export function renderGoods(screen: Screen, goods: readonly Good[]): string {
  let service: string | undefined
  const rows = goods.map((good) => {
    const isFirst = good.service !== service
    service = good.service
    const isFree = good.lifetimeSeconds === undefined
    const lifetime = isFree ? '' : formatDuration((good.lifetimeSeconds ?? 0) * 1000)
    return [
      isFirst ? good.service : '',
      isFirst ? hostsNote(good.hosts) : '',
      good.route,
      good.price,
      isFree ? '' : (good.uses?.toString() ?? 'any'),
      lifetime,
      isFirst ? (good.upstream ?? 'by forward auth') : '',
    ].map((cell) => shorten(printable(cell), 48, 0))
  })
  const widths = titles.map((title, column) =>
    Math.max(columns(title), ...rows.map((row) => columns(row[column] ?? ''))),
  )
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, column) => pad(cell, widths[column]!)).join('  ')}`.trimEnd()
  return `${[screen.dim(line(titles)), ...rows.map(line)].join('\n')}\n`
}

function hostsNote(hosts: readonly string[]): string {
  const [first = '', ...more] = hosts
  if (first === '*') return 'any'
  return more.length === 0 ? first : `${first} +${more.length}`
}

/** Where the gateway will listen, and what it will keep where. */
export function renderSettings(screen: Screen, config: GatewayConfig): string {
  const { admin, wallet, keysFile, keys } = config
  return table(screen, [
    ...config.listen.map((listener) => ['listens on', listenerNote(listener)] as const),
    ['admin API', admin === undefined ? 'off' : formatAddress(admin)],
    ['wallet', `${wallet.kind}: an embedded network, no real money`],
    [
      'keys',
      keysFile ?? (keys === undefined ? 'made at the first start, beside the state' : 'given'),
    ],
    ['state', config.state],
  ])
}

function listenerNote(listener: ListenerConfig): string {
  const address = formatAddress(listener)
  if (listener.forwardAuth !== undefined) return `${address}, questions of ${listener.forwardAuth}`
  if (listener.tls === undefined) return `${address}, without TLS`
  const names = { own: 'own certificate', generated: 'generated certificate', acme: 'ACME' }
  return `${address}, TLS (${names[listener.tls.kind]})`
}
