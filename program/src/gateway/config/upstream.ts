import { X509Certificate } from 'node:crypto'
import type { z } from 'zod'
import type { UpstreamConfig } from './config.ts'
import { plainHeader, readHeader } from './header-rules.ts'
import { readServerName } from './hosts.ts'
import { entriesOf, flag, leaf, members, oneOf, short } from './schema.ts'
import { expected, readDuration } from './units.ts'
import { readHealthPath, readUpstreamUrl } from './urls.ts'

const second = 1000
const hour = 3_600_000

/** @param most - In milliseconds; the least is 10 ms. */
export function duration(most: number, least = 10): z.ZodType<number> {
  return leaf((value) => readDuration(value, { least, most }))
}

/** How long an upstream may keep silent. */
export const idleTime: z.ZodType<number> = duration(24 * hour)

const upstreamMembers = members({
  url: leaf(readUpstreamUrl),
  protocol: oneOf('http/1.1', 'h2c', 'h2').default('http/1.1'),
  ca: leaf(readAuthority).optional(),
  server_name: leaf(readServerName).optional(),
  headers: headers().default([]),
  sign: leaf(readSigningKey).optional(),
  keep_host: flag().default(false),
  connect_timeout: duration(60 * second).default(5 * second),
  head_timeout: idleTime.default(60 * second),
  idle_timeout: idleTime.default(60 * second),
  keep_alive: flag().default(true),
  health: leaf(readHealthPath).optional(),
})

/** `http://127.0.0.1:3000`, or a mapping with the URL and more. */
export const upstreamSchema: z.ZodType<UpstreamConfig> = short(
  (value) => (typeof value === 'string' ? { url: value } : value),
  upstreamMembers,
).transform((given, context): UpstreamConfig => {
  const isTls = given.url.protocol === 'https:'
  const refuse = (name: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [name], message })
  if (given.protocol === 'h2c' && isTls)
    refuse('protocol', 'h2c is without TLS; write h2 for https:')
  if (given.protocol === 'h2' && !isTls) refuse('protocol', 'h2 is with TLS; write h2c for http:')
  if (given.ca !== undefined && !isTls) refuse('ca', 'only for an upstream with https:')
  if (given.server_name !== undefined && !isTls) {
    refuse('server_name', 'only for an upstream with https:')
  }
  return {
    url: given.url,
    protocol: given.protocol,
    ca: given.ca,
    serverName: given.server_name,
    headers: given.headers,
    signingKey: given.sign,
    keepHost: given.keep_host,
    connectMs: given.connect_timeout,
    headMs: given.head_timeout,
    idleMs: given.idle_timeout,
    keepAlive: given.keep_alive,
    healthPath: given.health,
  }
})

function headers(): z.ZodType<readonly (readonly [string, string])[]> {
  return entriesOf(readHeader, 'header names and values').superRefine((list, context) => {
    const seen = new Set<string>()
    for (const [name] of list) {
      if (seen.has(plainHeader(name))) {
        context.addIssue({ code: 'custom', path: [name], message: 'is there in another spelling' })
      }
      seen.add(plainHeader(name))
    }
  })
}

/**
 * Reads certificates in PEM.
 *
 * @throws {Expectation}
 */
export function readAuthority(value: unknown): string {
  const form = 'the certificate of an authority in PEM, such as file:ca.pem'
  if (typeof value !== 'string') expected(form)
  const blocks = value.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g)
  if (blocks === null) expected(form)
  for (const block of blocks) {
    try {
      new X509Certificate(block)
    } catch {
      expected(form)
    }
  }
  return value
}

function readSigningKey(value: unknown): string {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a reference is written
  const form = 'a key of 16 to 4096 characters, from file:PATH or ${NAME}'
  if (typeof value !== 'string' || value.length < 16 || value.length > 4096) expected(form)
  return value
}
