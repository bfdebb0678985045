import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { z } from 'zod'
import { readAddress } from './addresses.ts'
import type { ListenerConfig, TlsConfig } from './config.ts'
import { readGeneratedName, readPublicName } from './hosts.ts'
import { isEverybody, readNetwork } from './networks.ts'
import type { Where } from './references.ts'
import { absolutePath } from './references.ts'
import { choose, flag, isMapping, leaf, listOf, matching, members, oneOf, short } from './schema.ts'
import { expected } from './units.ts'
import { readAuthority } from './upstream.ts'
import { readServiceUrl } from './urls.ts'

/** A path, made absolute. */
export function pathOf(where: Where): z.ZodType<string> {
  return leaf((value) => {
    const isPath = typeof value === 'string' && value !== '' && value.length <= 4096
    if (!isPath || value.includes('\0')) expected('a path')
    return absolutePath(value, where)
  })
}

/**
 * Networks whose word about a client's address is taken.
 *
 * @spec gateway.md R-CONF-11
 */
export function trustedNetworks(): z.ZodType<string[]> {
  return listOf(
    leaf((value) => {
      const network = readNetwork(value)
      if (isEverybody(network)) {
        expected(
          'the networks of your own proxies: to trust everybody lets each client choose its address',
        )
      }
      return network
    }),
    'networks',
  )
}

/** One listener: `127.0.0.1:8402`, or a mapping. */
export function listenerSchema(where: Where): z.ZodType<ListenerConfig> {
  const long = members({
    address: leaf(readAddress),
    tls: tlsSchema(where).optional(),
    http2: flag().default(true),
    proxy_protocol_from: trustedNetworks().default([]),
    forward_auth: oneOf('nginx', 'forward').optional(),
  }).transform(
    ({ address, tls, http2, proxy_protocol_from, forward_auth }): ListenerConfig => ({
      ...address,
      tls,
      http2,
      proxyProtocolFrom: proxy_protocol_from,
      forwardAuth: forward_auth,
    }),
  )
  const expand = (value: unknown): unknown =>
    typeof value === 'string' || typeof value === 'number' ? { address: value } : value
  return short(expand, long)
}

const kinds = '{ certificate, key }, { generate: true } or { acme: { … } }'

function tlsSchema(where: Where): z.ZodType<TlsConfig> {
  const own = ownSchema()
  const generated = generatedSchema(where)
  const acme = members({ acme: acmeSchema(where) }).transform((given): TlsConfig => given.acme)
  const unclear: z.ZodType<TlsConfig> = leaf(() => expected(kinds))
  return choose<TlsConfig>((value) => {
    if (!isMapping(value)) return unclear
    if (Object.hasOwn(value, 'acme')) return acme
    if (Object.hasOwn(value, 'generate')) return generated
    const isOwn = Object.hasOwn(value, 'certificate') || Object.hasOwn(value, 'key')
    return isOwn ? own : unclear
  })
}

function ownSchema(): z.ZodType<TlsConfig> {
  return members({ certificate: leaf(readCertificate), key: leaf(readKey) }).transform(
    ({ certificate, key }, context): TlsConfig => {
      try {
        createSecureContext({ cert: certificate, key })
      } catch {
        context.addIssue({
          code: 'custom',
          path: ['key'],
          message: 'is not the key of this certificate, or neither can be used',
        })
      }
      return { kind: 'own', certificate, key }
    },
  )
}

function generatedSchema(where: Where): z.ZodType<TlsConfig> {
  return members({
    generate: leaf((value) => (value === true ? value : expected('true'))),
    names: listOf(leaf(readGeneratedName), 'names', 1).default(['localhost']),
    folder: pathOf(where).default(absolutePath('tls', where)),
  }).transform(({ names, folder }): TlsConfig => ({ kind: 'generated', names, folder }))
}

function acmeSchema(where: Where): z.ZodType<TlsConfig> {
  return members({
    directory: leaf(readDirectory),
    agree_to_terms: leaf((value) =>
      value === true ? value : expected('true, when you agree to the terms of the authority'),
    ),
    email: matching(/^[^\s@]{1,64}@[^\s@]{1,190}$/, 'an e-mail address').optional(),
    names: listOf(leaf(readPublicName), 'names', 1),
    folder: pathOf(where).default(absolutePath('acme', where)),
    http: leaf(readAddress).default({ host: '0.0.0.0', port: 80 }),
    ca: leaf(readAuthority).optional(),
  }).transform(
    ({ directory, email, names, folder, http, ca }): TlsConfig => ({
      kind: 'acme',
      directory,
      email,
      names,
      folder,
      httpHost: http.host,
      httpPort: http.port,
      ca,
    }),
  )
}

function readDirectory(value: unknown): string {
  const form = "the URL of the authority's directory"
  const url = readServiceUrl(value, form)
  if (!/^https:/i.test(url)) expected(`${form}; https`)
  return url
}

function readCertificate(value: unknown): string {
  const form = 'a certificate in PEM, such as file:cert.pem'
  if (typeof value !== 'string') expected(form)
  try {
    new X509Certificate(value)
  } catch {
    expected(form)
  }
  return value
}

function readKey(value: unknown): string {
  const form = 'a private key in PEM without a passphrase, such as file:key.pem'
  if (typeof value !== 'string') expected(form)
  if (!/-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/.test(value)) expected(form)
  return value
}
