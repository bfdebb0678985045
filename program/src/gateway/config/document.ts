import { dirname, join } from 'node:path'
import { isL402Error } from 'satway'
import { parseKeyRing } from 'satway/server'
import { z } from 'zod'
import { isLoopback, readAddress } from './addresses.ts'
import type { AdminConfig, EdgeLimits, GatewayConfig, RateSourceConfig } from './config.ts'
import { pathOf, trustedNetworks } from './listener.ts'
import type { Finding } from './mistakes.ts'
import { isEverybody, readNetwork } from './networks.ts'
import type { Where } from './references.ts'
import { absolutePath, unresolved } from './references.ts'
import {
  choose,
  flag,
  isMapping,
  leaf,
  listOf,
  matching,
  members,
  number,
  oneOf,
  readMembers,
  short,
  whole,
} from './schema.ts'
import { expected, readSeconds, readSize } from './units.ts'
import { duration } from './upstream.ts'
import { readServiceUrl } from './urls.ts'
import type { WalletReading } from './wallet.ts'
import { walletSchema } from './wallet.ts'

const second = 1000
const hour = 3_600_000
const day = 24 * hour
const defaultListen = '127.0.0.1:8402'
const defaultAdmin = '127.0.0.1:8403'

type AdminReading = Omit<AdminConfig, 'keyFile' | 'macaroonFile'> & {
  readonly keyFile: string | undefined
  readonly macaroonFile: string | undefined
}

/** What a configuration says beside its listeners and services. */
export type Settings = Omit<GatewayConfig, 'listen' | 'keysFile' | 'services'>

/** What stands at the top of a configuration, as far as it could be read. */
export type TopReading = {
  /** All of it, when nothing was found to be wrong. */
  readonly settings: Settings | undefined
  /** These are needed to check the rest. */
  readonly admin: AdminConfig | undefined
  readonly trustedProxies: readonly string[] | undefined
  readonly hasRates: boolean
  readonly rates: RateSourceConfig | undefined
  /** To be read item by item. */
  readonly listen: unknown
  readonly services: unknown
}

/**
 * Reads the members at the top of a configuration.
 *
 * @param document - References resolved.
 */
export function readTop(
  document: unknown,
  reading: WalletReading,
  findings: Finding[],
): TopReading {
  const { where } = reading
  if (!isMapping(document)) {
    findings.push({ path: [], message: 'expected names and values, such as wallet: devnet' })
    const nothing = {
      settings: undefined,
      admin: undefined,
      trustedProxies: undefined,
      hasRates: false,
      rates: undefined,
    }
    return { ...nothing, listen: unresolved, services: unresolved }
  }
  const before = findings.length
  const read = readMembers(topSchema(reading), document, [], findings) ?? {}
  const state = read.state ?? where.file
  const admin = completeAdmin(read.admin, state)
  const isComplete = findings.length === before
  return {
    settings: isComplete ? settingsOf(read, admin) : undefined,
    admin,
    trustedProxies: read.trusted_proxies,
    // Where it is wrong, that was reported, and fiat prices are no second mistake.
    hasRates: Object.hasOwn(document, 'rates'),
    rates: read.rates,
    listen: read.listen,
    services: read.services,
  }
}

type TopMembers = z.output<ReturnType<typeof topSchema>>

function settingsOf(read: Partial<TopMembers>, admin: AdminConfig | undefined): Settings {
  // Nothing was found to be wrong, so each member that must be there is.
  const given = read as TopMembers
  const { challenge, burst, per_minute, global_burst, global_per_minute } = given.issuance
  return {
    trustedProxies: given.trusted_proxies,
    block: given.block,
    wallet: given.wallet,
    keys: given.keys,
    state: given.state,
    admin,
    issuance: {
      burst,
      perMinute: per_minute,
      globalBurst: global_burst,
      globalPerMinute: global_per_minute,
    },
    limits: given.limits,
    rates: given.rates,
    log: given.log,
    drainMs: given.drain,
    cors: given.cors,
    legacyLsat: given.legacy_lsat,
    unknownCaveats: given.unknown_caveats,
    invalidCredential: given.invalid_credential,
    priceGracePercent: given.price_grace,
    challengeSeconds: challenge,
  }
}

function topSchema({ where, isReferred }: WalletReading) {
  return members({
    listen: asItIs.default(defaultListen),
    trusted_proxies: trustedNetworks().default([]),
    block: blockedNetworks().default([]),
    wallet: walletSchema({ where, isReferred }),
    keys: leaf(readKeys).optional(),
    state: pathOf(where).default(absolutePath('satway.db', where)),
    admin: adminSchema(where).prefault(defaultAdmin),
    issuance: issuanceSchema.prefault({}),
    limits: limitsSchema.prefault({}),
    rates: ratesSchema.optional(),
    log: logSchema(where).prefault({}),
    drain: duration(hour, 0).default(30 * second),
    cors: flag().default(true),
    legacy_lsat: oneOf('off', 'after', 'first').default('off'),
    unknown_caveats: oneOf('refuse', 'skip').default('refuse'),
    invalid_credential: oneOf(401, 402).default(401),
    price_grace: number(0, 100).default(0),
    services: asItIs.default([]),
  })
}

const asItIs = z.unknown()

function blockedNetworks(): z.ZodType<string[]> {
  return listOf(
    leaf((value) => {
      const network = readNetwork(value)
      if (isEverybody(network)) expected('less than everybody; to stop selling, stop the gateway')
      return network
    }),
    'networks',
  )
}

/** A key ring as `parseKeyRing` takes it. What it says of a mistake repeats nothing of the keys. */
function readKeys(value: unknown): string {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a reference is written
  if (typeof value !== 'string') expected('file:satway.keys or ${L402_KEYS}')
  try {
    parseKeyRing(value)
  } catch (error) {
    if (!isL402Error(error, 'CONFIG_INVALID')) throw error
    const [sentence = ''] = Object.values(error.details).map(String)
    expected(`a key ring, kid:hex,…: ${sentence}`)
  }
  return value
}

function adminSchema(where: Where): z.ZodType<AdminReading | undefined> {
  const address = leaf((value) => {
    const read = readAddress(value)
    if (!isLoopback(read.host)) {
      expected('an address that only this machine reaches, such as 127.0.0.1:8403')
    }
    return read
  })
  const long = members({
    address: address.prefault(defaultAdmin),
    key: pathOf(where).optional(),
    macaroon: pathOf(where).optional(),
  }).transform(
    (given): AdminReading => ({
      ...given.address,
      keyFile: given.key,
      macaroonFile: given.macaroon,
    }),
  )
  const expand = (value: unknown): unknown =>
    typeof value === 'string' || typeof value === 'number' ? { address: value } : value
  const off = z.literal(false).transform(() => undefined)
  return choose<AdminReading | undefined>((value) => (value === false ? off : short(expand, long)))
}

/** Fills in where the files of the admin API are: beside the state. */
function completeAdmin(admin: AdminReading | undefined, state: string): AdminConfig | undefined {
  if (admin === undefined) return undefined
  const folder = dirname(state)
  return {
    host: admin.host,
    port: admin.port,
    keyFile: admin.keyFile ?? join(folder, 'admin.key'),
    macaroonFile: admin.macaroonFile ?? join(folder, 'admin.macaroon'),
  }
}

const issuanceSchema = members({
  burst: whole(1, 1_000_000).default(60),
  per_minute: number(0.01, 1_000_000).default(60),
  global_burst: whole(1, 1_000_000).default(1000),
  global_per_minute: number(0.01, 1_000_000).default(1000),
  challenge: leaf((value) => readSeconds(value, { least: 30, most: 86_400 })).default(600),
})

const limitsSchema = members({
  head: leaf((value) => readSize(value, { least: 1024, most: 1_048_576 })).default(16_384),
  headers: whole(10, 2000).default(100),
  head_timeout: duration(300 * second, second).default(10 * second),
  body_idle: duration(hour, second).default(30 * second),
  keep_alive: duration(hour, second).default(75 * second),
  connections: whole(1, 1_000_000).default(20_000),
  connections_per_client: whole(1, 1_000_000).optional(),
}).transform((given, context): EdgeLimits => {
  const { connections, connections_per_client: perClient } = given
  if (perClient !== undefined && perClient > connections) {
    context.addIssue({
      code: 'custom',
      path: ['connections_per_client'],
      message: `expected at most connections (${connections})`,
    })
  }
  return {
    headBytes: given.head,
    headerCount: given.headers,
    headMs: given.head_timeout,
    bodyIdleMs: given.body_idle,
    keepAliveMs: given.keep_alive,
    connections,
    connectionsPerClient: perClient ?? Math.min(connections, 1000),
  }
})

const ratesSchema: z.ZodType<RateSourceConfig> = members({
  url: leaf(readRateUrl),
  member: matching(
    /^[\w{}-]{1,64}(?:\.[\w{}-]{1,64}){0,15}$/,
    'names with dots between, such as data.{currency}',
  ),
  max_age: duration(day, second).default(600 * second),
  refresh: duration(day, second).default(60 * second),
  timeout: duration(60 * second, 100).default(5 * second),
}).transform((given, context): RateSourceConfig => {
  if (given.refresh >= given.max_age) {
    context.addIssue({
      code: 'custom',
      path: ['refresh'],
      message: 'expected less than max_age, or there would be times without a rate',
    })
  }
  return {
    url: given.url,
    member: given.member,
    maxAgeMs: given.max_age,
    refreshMs: given.refresh,
    timeoutMs: given.timeout,
  }
})

function readRateUrl(value: unknown): string {
  const form = 'the URL of a rate source, https'
  if (typeof value !== 'string') expected(form)
  const url = new URL(readServiceUrl(value.replaceAll('{currency}', 'USD'), form))
  const isLocal = isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
  if (url.protocol !== 'https:' && !isLocal) {
    expected(`${form}: whoever changes the rate on the way sets your prices`)
  }
  return value
}

function logSchema(where: Where): z.ZodType<GatewayConfig['log']> {
  return members({
    access: oneOf('json', 'text', 'off').default('json'),
    file: pathOf(where).optional(),
  }).transform(({ access, file }) => ({ access, file }))
}
