import { z } from 'zod'
import type { FreeTierConfig, PriceConfig, RateLimitConfig, RewriteConfig } from './config.ts'
import { readPricedHeader } from './header-rules.ts'
import {
  choose,
  isMapping,
  leaf,
  listOf,
  matching,
  members,
  oneOf,
  short,
  whole,
} from './schema.ts'
import { expected, readPrice, readSeconds, readSize } from './units.ts'
import { duration, idleTime } from './upstream.ts'
import { readPathPrefix, readServiceUrl } from './urls.ts'

const day = 86_400
const year = 365 * day
/** The library gives a price function ten seconds. */
const maxPricerMs = 10_000
const mebibyte = 1_048_576

/** Bodies are streamed, so this guards the upstream and not the gateway. */
export const defaultMaxBodyBytes: number = 10 * mebibyte
export const defaultLifetimeSeconds = 3600

const httpPrice = members({
  url: leaf((value) => readServiceUrl(value, 'the URL of a pricer')),
  headers: listOf(leaf(readPricedHeader), 'header names').default([]),
  body: leaf((value) => readSize(value, { least: 0, most: 10 * mebibyte })).default(0),
  timeout: duration(maxPricerMs).default(2000),
}).transform(
  ({ url, headers, body, timeout }): PriceConfig => ({
    kind: 'http',
    url,
    timeoutMs: timeout,
    headers: [...new Set(headers)].sort(),
    bodyBytes: body,
  }),
)

const price: z.ZodType<PriceConfig> = choose<PriceConfig>((value) =>
  isMapping(value) ? httpPrice : leaf(readPrice),
)

const freeTier = members({
  requests: whole(1, 1_000_000_000),
  per: leaf((value) => readSeconds(value, { least: 1, most: year })),
}).transform(({ requests, per }): FreeTierConfig => ({ requests, windowSeconds: per }))

const rateLimit = members({
  requests: whole(1, 1_000_000_000),
  per: leaf((value) => readSeconds(value, { least: 1, most: day })),
  burst: whole(1, 1_000_000_000).optional(),
  by: oneOf('token', 'network').default('token'),
}).transform(
  ({ requests, per, burst, by }): RateLimitConfig => ({
    requests,
    perSeconds: per,
    burst: burst ?? requests,
    by,
  }),
)

const prefix = leaf(readPathPrefix)

const rewrite = members({ strip_prefix: prefix.optional(), add_prefix: prefix.optional() })
  .superRefine(({ strip_prefix, add_prefix }, context) => {
    if (strip_prefix !== undefined || add_prefix !== undefined) return
    context.addIssue({ code: 'custom', message: 'expected strip_prefix, add_prefix or both' })
  })
  .transform(
    ({ strip_prefix, add_prefix }): RewriteConfig => ({
      stripPrefix: strip_prefix === '/' ? undefined : strip_prefix,
      addPrefix: add_prefix === '/' ? undefined : add_prefix,
    }),
  )

/** What a setting says that takes away what `defaults` gave. */
const none = 'none'

/** A setting, or `none`. */
function orNone<T>(schema: z.ZodType<T>): z.ZodType<T | typeof none | undefined> {
  return choose<T | typeof none>((value) => (value === none ? z.literal(none) : schema)).optional()
}

const settings = {
  price: price.optional(),
  capability: matching(
    /^[a-z0-9][a-z0-9.-]{0,63}$/,
    'lower-case letters, digits, . or -, the first a letter or digit, at most 64, such as forecast',
  ).optional(),
  tier: whole(0, 255).optional(),
  uses: orNone(whole(1, 1_000_000_000)),
  lifetime: leaf((value) => readSeconds(value, { least: 1, most: year })).optional(),
  description: leaf(readDescription).optional(),
  free_tier: orNone(freeTier),
  rate_limit: orNone(rateLimit),
  concurrency: orNone(whole(1, 1_000_000)),
  max_body: leaf((value) => readSize(value, { least: 0, most: 2 ** 40 })).optional(),
  head_timeout: idleTime.optional(),
  idle_timeout: idleTime.optional(),
  rewrite: orNone(rewrite),
} as const

const routeMembers = members({ ...settings, free: leaf(readFree).optional() })

/** The members of `defaults`. */
export const defaultsSchema = members(settings)
export type RouteSettings = z.output<typeof defaultsSchema>

/** The members that say how a route is sold. */
export const saleMembers: readonly string[] = [
  'price',
  'capability',
  'tier',
  'uses',
  'lifetime',
  'description',
  'free_tier',
]

/** `free`, a price, or a mapping. */
export const routeSchema: z.ZodType<z.output<typeof routeMembers>> = short((value) => {
  if (value === 'free') return { free: true }
  if (typeof value === 'string' || typeof value === 'number') return { price: value }
  return value
}, routeMembers)

/** A setting of a route, where `none` takes away what the defaults say. */
export function unlessNone<T>(value: T | typeof none | undefined): T | undefined {
  return value === none ? undefined : value
}

function readFree(value: unknown): true {
  if (value !== true) expected('true, or a price instead')
  return value
}

function readDescription(value: unknown): string {
  const form = 'text of at most 639 bytes without control characters'
  if (typeof value !== 'string' || /[\x00-\x1f\x7f]/.test(value)) expected(form)
  if (new TextEncoder().encode(value).length > 639) expected(form)
  return value
}
