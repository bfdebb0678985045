import { formatMsat } from 'satway'
import type { Row, Screen } from '../cli/screen.ts'
import { table } from '../cli/screen.ts'
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
    ...(admin === undefined ? [] : [['admin', `http://${admin}`] as const]),
  ]
  const routes = config.services.flatMap(({ name, routes, hosts }) =>
    [...routes].map(
      ([key, route]): Row => [
        key,
        `${describeRoute(route)}  ${screen.dim(hosts.includes('*') ? name : hosts.join(', '))}`,
      ],
    ),
  )
  const shown = routes.slice(0, maxRoutes)
  const more = routes.length - shown.length
  const blocks = [
    `${screen.good('satway gateway')} is serving${dryRun ? screen.warn(' (dry run: nobody is charged)') : ''}\n`,
    table(screen, facts),
    `${screen.bold('For sale')}\n${table(screen, shown)}${more > 0 ? `  … and ${more} more\n` : ''}`,
    ...howToTry(screen, urls[0], wallet, dryRun),
  ]
  return `${blocks.join('\n')}\n`
}

function howToTry(
  screen: Screen,
  url: string | undefined,
  { buyerWallet }: OpenWallet,
  dryRun: boolean,
): readonly string[] {
  if (url === undefined || buyerWallet === undefined || dryRun) return []
  const wallet = buyerWallet.endsWith('/.satway/devnet.json')
    ? ''
    : ` --wallet devnet:${buyerWallet}`
  return [`${screen.bold('Try it in a second terminal')}\n  satway get${wallet} ${url}/\n`]
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
