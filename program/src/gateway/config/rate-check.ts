import type { RateSourceConfig } from './config.ts'
import type { PlacedService } from './cross-check.ts'
import type { Finding, Path } from './mistakes.ts'

type FiatPrice = {
  readonly path: Path
  readonly currency: string
  readonly service: PlacedService
}

/** Prices in fiat where nobody tells what a bitcoin costs. */
export function findUnratedPrices(services: readonly PlacedService[]): readonly Finding[] {
  const message = 'a price in money needs `rates`: where its rate is read'
  return fiatPrices(services).map(({ path }) => ({ path, message }))
}

/**
 * Prices in several currencies where one rate is read for all of them. Nobody can tell whose rate it
 * is, so the mistake is where it is read. A service that is being stored gives way itself.
 *
 * @spec gateway.md R-CONF-30
 */
export function findOneRateForMany(
  services: readonly PlacedService[],
  rates: RateSourceConfig | undefined,
  fresh: string | undefined,
): readonly Finding[] {
  if (rates === undefined || isByCurrency(rates)) return []
  const prices = fiatPrices(services)
  const isFresh = ({ service }: FiatPrice): boolean =>
    service.origin === 'api' && service.name === fresh
  const settled = currenciesOf(prices.filter((price) => !isFresh(price)))
  if (settled.length > 1) return [{ path: memberPath, message: oneForMany(settled) }]
  const all = currenciesOf(prices)
  if (all.length < 2) return []
  const wrong = prices.filter((price) => isFresh(price) && !settled.includes(price.currency))
  return wrong.map(({ path }) => ({ path, message: `rates: ${oneForMany(all)}` }))
}

/**
 * A rate that does not say what currency it is of.
 *
 * @spec gateway.md R-CONF-19
 */
export function findRateWarning(
  services: readonly PlacedService[],
  rates: RateSourceConfig | undefined,
): readonly Finding[] {
  if (rates === undefined || isByCurrency(rates)) return []
  const [currency] = currenciesOf(fiatPrices(services))
  if (currency === undefined || names(rates, currency)) return []
  const message = `neither url nor member names a currency with {currency}, and prices are in ${currency}: make sure that this is its rate`
  return [{ path: memberPath, message }]
}

const memberPath: Path = ['rates', 'member']

function oneForMany(currencies: readonly string[]): string {
  const last = currencies.at(-1)
  const list = `${currencies.slice(0, -1).join(', ')} and ${last}`
  return `expected {currency} in member or url: prices are in ${list}, and one rate would be taken for all of them`
}

function isByCurrency({ url, member }: RateSourceConfig): boolean {
  return url.includes('{currency}') || member.includes('{currency}')
}

/** Whether it can be seen that the rate is of this currency: `data.rates.USD`. */
function names({ url, member }: RateSourceConfig, currency: string): boolean {
  return `${url} ${member}`.toUpperCase().includes(currency)
}

function currenciesOf(prices: readonly FiatPrice[]): readonly string[] {
  return [...new Set(prices.map(({ currency }) => currency))].sort()
}

function fiatPrices(services: readonly PlacedService[]): readonly FiatPrice[] {
  return services.flatMap((service) =>
    [...service.routes].flatMap(([key, { sale }]): readonly FiatPrice[] => {
      if (sale?.price.kind !== 'fiat') return []
      const path = [...service.path, 'routes', key, 'price']
      return [{ path, currency: sale.price.currency, service }]
    }),
  )
}
