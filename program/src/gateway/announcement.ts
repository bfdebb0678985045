import { formatMsat } from 'satway'
import type { Row, Screen } from '../cli/screen.ts'
import { table } from '../cli/screen.ts'
import { inSatwayFolder } from '../keys/index.ts'
import type { GatewayConfig, PriceConfig, RouteConfig } from './config/index.ts'
import type { Gateway } from './gateway.ts'
import type { Log } from './operations/index.ts'
import type { OpenWallet } from './wallet/index.ts'

export type Announcement = {
  readonly config: GatewayConfig
  readonly addresses: Gateway['addresses']
  readonly wallet: OpenWallet
  readonly admin: string | undefined
  readonly dryRun: boolean
  readonly workers: number
}

/** How many routes are shown before the rest is counted. */
const maxRoutes = 12

/** Tells a program that the gateway serves. */
export function logStart(
  log: Log,
  { addresses, wallet, admin, config, ...more }: Announcement,
): void {
  log.info('serving', {
    addresses: addresses.map(urlOf).join(' '),
    services: config.services.length,
    wallet: wallet.about,
    ...(admin === undefined ? {} : { admin }),
    workers: more.workers,
    dryRun: more.dryRun,
  })
}

/** Tells a person what is sold where, and how to try it. */
export function renderStart(screen: Screen, announcement: Announcement): string {
  const { config, addresses, wallet, admin, dryRun } = announcement
  const urls = addresses.map(urlOf)
  const facts: Row[] = [
    ['listening', urls.join('  ')],
    ['wallet', wallet.about],
    ['state', config.state],
    ...(announcement.workers === 1 ? [] : [['workers', String(announcement.workers)] as const]),
    ...(admin === undefined ? [] : [['admin', `http://${admin}`] as const]),
  ]
  const routes = config.services.flatMap(({ name, routes, hosts, mount }) => {
    const where = hosts.includes('*') ? '' : hosts.join(', ')
    const title: Row = [screen.name(name), `${where}${mount === '/' ? '' : ` ${mount}`}`.trim()]
    return [title, ...[...routes].map(([key, route]): Row => [`  ${key}`, describeRoute(route)])]
  })
  const shown = routes.slice(0, maxRoutes)
  const more = routes.length - shown.length
  const blocks = [
    `${screen.good('satway gateway')} is serving${dryRun ? screen.warn(' (dry run: nobody is charged)') : ''}\n`,
    table(screen, facts),
    `${screen.bold('For sale')}\n${table(screen, shown)}${more > 0 ? `  … and ${more} more\n` : ''}`,
    ...howToTry(screen, announcement),
  ]
  return `${blocks.join('\n')}\n`
}

function howToTry(
  screen: Screen,
  { config, addresses, wallet, dryRun }: Announcement,
): readonly string[] {
  const [first] = addresses
  const { buyerWallet } = wallet
  const offer = findOffer(config)
  if (first === undefined || buyerWallet === undefined || offer === undefined || dryRun) return []
  const { host, path } = offer
  const url = `${urlOf(first)}${path}`
  const isDefault = buyerWallet === inSatwayFolder('devnet.json', process.env)
  const flags = isDefault ? '' : ` --wallet devnet:${buyerWallet}`
  const command =
    host === undefined ? `satway get${flags} ${url}` : `curl -i -H 'Host: ${host}' ${url}`
  return [`${screen.bold('Try it in a second terminal')}\n  ${command}\n`]
}

/** Something that is sold under a path that can be asked for as it stands. */
function findOffer({
  services,
}: GatewayConfig): { readonly host: string | undefined; readonly path: string } | undefined {
  for (const { hosts, routes } of services) {
    for (const [key, { sale }] of routes) {
      const path = /^(?:GET|\*) (\/\S*)$/.exec(key)?.[1]
      if (sale === undefined || path === undefined) continue
      const concrete = path.replace(/\/\*$/, '/hello').replace(/:[A-Za-z0-9_]+/g, 'x')
      const host = hosts.includes('*') ? undefined : hosts[0]?.replace('*', 'www')
      return { host, path: concrete }
    }
  }
  return undefined
}

function describeRoute({ sale }: RouteConfig): string {
  if (sale === undefined) return 'free'
  const uses = sale.uses === undefined ? '' : sale.uses === 1 ? ', one use' : `, ${sale.uses} uses`
  return `${describePrice(sale.price)}${uses}`
}

function describePrice(price: PriceConfig): string {
  switch (price.kind) {
    case 'fixed':
      return formatMsat(price.amountMsat)
    case 'fiat':
      return `${Number(price.amountMicros) / 1e6} ${price.currency}`
    case 'http':
      return 'price on request'
    default:
      return price satisfies never
  }
}

function urlOf({ scheme, host, port }: Gateway['addresses'][number]): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
