import { resolve } from 'node:path'
import { readAddress } from './addresses.ts'
import type { ConfigMistake, GatewayConfig, ServiceConfig } from './config.ts'
import type { PlacedListener, PlacedService } from './cross-check.ts'
import { findCollisions, findLoops, findOverlaps, findUnanswerable } from './cross-check.ts'
import { readTop } from './document.ts'
import { deepFreeze } from './freeze.ts'
import { listenerSchema } from './listener.ts'
import type { Finding, Path } from './mistakes.ts'
import { inOrder, locate } from './mistakes.ts'
import { findOneRateForMany, findUnratedPrices } from './rate-check.ts'
import type { Resolved, TextKind, Where } from './references.ts'
import { resolveReferences, unresolved } from './references.ts'
import { isMapping, leaf, readPart } from './schema.ts'
import { completeService, readService } from './service.ts'
import type { InvoiceLimits } from './wallet-limits.ts'
import { findUnsayable } from './wallet-limits.ts'
import { findWarnings } from './warnings.ts'
import { readYaml } from './yaml-source.ts'

/** A service as it was written: the JSON of one member of `services`, references unresolved. */
export type ServiceDocument = { readonly name: string; readonly document: unknown }

export type ConfigReading =
  | {
      readonly config: GatewayConfig
      /** Those of the file, in its order. */
      readonly documents: readonly ServiceDocument[]
      /** What can be meant so. */
      readonly warnings: readonly ConfigMistake[]
    }
  | { readonly mistakes: readonly ConfigMistake[] }

export type CombineOptions = {
  /** The service that is not stored yet. */
  readonly fresh?: string | undefined
  /** Of the wallet, where it was opened. */
  readonly limits?: InvoiceLimits | undefined
}

export type ServiceReadingResult =
  | { readonly service: ServiceConfig }
  | { readonly mistakes: readonly ConfigMistake[] }

const maxServices = 1000

const emptyFile: ConfigMistake = {
  path: '',
  line: undefined,
  column: undefined,
  message:
    'says nothing: expected wallet (devnet, or a wallet URI), services (each with name, upstream and routes) and keys (file:satway.keys; left out, they are made beside the state). satway init writes a file to begin with',
}

/** See `combine` of the folder's door; without the wait. */
export function readWhole(
  text: string,
  stored: readonly ServiceDocument[],
  where: Where,
  { fresh, limits }: CombineOptions = {},
): ConfigReading {
  const source = readYaml(text)
  if ('mistakes' in source) return source
  const here = { file: resolve(where.file), env: where.env }
  if (source.value === null) return { mistakes: deepFreeze([emptyFile]) }
  const document = source.value
  const findings: Finding[] = []
  const rules = { origin: 'file', where, kindOf } as const
  const resolved = resolveReferences(document, [], rules, findings)

  const isReferred = isWalletReferred(document, resolved)
  const top = readTop(resolved.value, { where: here, isReferred }, findings)
  const listeners = readListeners(top.listen, here, findings)
  const fileServices = readServices(top.services, findings)
  const apiFindings: Finding[] = []
  const apiServices = stored.map((one) => readStored(one, here, apiFindings))
  const services = [...fileServices, ...apiServices]

  const crossFindings = [
    ...findCollisions(services, fresh),
    ...(top.hasRates ? [] : findUnratedPrices(services)),
    ...findOneRateForMany(services, top.rates, fresh),
    ...findUnanswerable(services, listeners, top.trustedProxies),
    ...findOverlaps(listeners, top.admin),
    ...findLoops(services, listeners, top.admin),
    ...(limits === undefined ? [] : findUnsayable(services, limits)),
  ]
  for (const finding of crossFindings) {
    const isStored = finding.path[0] === storedPath
    ;(isStored ? apiFindings : findings).push(finding)
  }
  const documents = isMapping(document) ? documentsOf(document['services']) : []
  if (findings.length > 0 || apiFindings.length > 0 || top.settings === undefined) {
    const roots = Object.fromEntries(stored.map((one) => [one.name, one.document]))
    const mistakes = [
      ...locate(findings, document, source.places),
      ...locate(apiFindings, { [storedPath]: roots }, undefined).map((mistake) =>
        advise(mistake, fresh),
      ),
    ]
    return { mistakes: deepFreeze(inOrder(mistakes)) }
  }
  const warnings = findWarnings(services, listeners, top.settings)
  return deepFreeze({
    config: {
      ...top.settings,
      listen: listeners.flatMap(({ item }) => item ?? []),
      keysFile: resolved.files.get('keys'),
      services: services.map(completeService),
    },
    documents: structuredClone(documents),
    warnings: locate(
      warnings.filter(({ path }) => path[0] !== storedPath),
      document,
      source.places,
    ),
  })
}

/** See `readServiceDocument` of the folder's door; without the wait. */
export function readOne(document: unknown, where: Where): ServiceReadingResult {
  const findings: Finding[] = []
  const { value } = resolveService(document, [], where, findings)
  const reading = readService(value, [], findings)
  if (findings.length > 0) return { mistakes: deepFreeze(locate(findings, document, undefined)) }
  return deepFreeze({ service: completeService(reading) })
}

/** A mistake of the wallet that shows when it is opened or asked, at its place in the file. */
export function walletMistake(text: string, message: string): ConfigMistake {
  const source = readYaml(text)
  const [value, places] =
    'mistakes' in source ? [undefined, undefined] : [source.value, source.places]
  const [mistake] = locate([{ path: ['wallet'], message }], value, places)
  return mistake!
}

/** What paths of services of the admin API begin with. */
const storedPath = 'stored'

function readStored(one: ServiceDocument, where: Where, findings: Finding[]): PlacedService {
  const path = [storedPath, one.name]
  const { value } = resolveService(one.document, path, where, findings)
  const reading = readService(value, path, findings)
  if (reading.name !== undefined && reading.name !== one.name) {
    findings.push({
      path: [...path, 'name'],
      message: `expected ${one.name}, under which it is kept`,
    })
  }
  return { ...reading, name: one.name, origin: 'api' }
}

function resolveService(
  document: unknown,
  path: Path,
  where: Where,
  findings: Finding[],
): Resolved {
  const kindOfMember = (at: Path): TextKind => kindInService(at.slice(path.length))
  return resolveReferences(document, path, { origin: 'api', where, kindOf: kindOfMember }, findings)
}

/**
 * Whoever reads this at a start has to know how to get rid of it. Whoever is about to store it reads
 * paths that begin in the document.
 */
function advise(mistake: ConfigMistake, fresh: string | undefined): ConfigMistake {
  const match = /^stored(?:\.([\w-]+)|\["([^"]*)"\])\.?/.exec(mistake.path)
  const name = match?.[1] ?? match?.[2]
  if (match === null || name === undefined) return mistake
  if (name === fresh) return { ...mistake, path: mistake.path.slice(match[0].length) }
  const advice = `made through the admin API; to delete it: satway admin services delete ${name}`
  return { ...mistake, message: `${mistake.message} (${advice})` }
}

/** One listener may stand without a list. */
function readListeners(
  value: unknown,
  where: Where,
  findings: Finding[],
): readonly PlacedListener[] {
  if (value === unresolved) return []
  const list = Array.isArray(value) ? value : [value]
  if (list.length === 0) {
    findings.push({ path: ['listen'], message: 'expected one or more addresses' })
  }
  const schema = listenerSchema(where)
  return list.map((given: unknown, index): PlacedListener => {
    const path = ['listen', index]
    const item = readPart(schema, given, path, findings)
    const written = isMapping(given) ? given['address'] : given
    const address = item ?? readPart(leaf(readAddress), written, path, [])
    return { path, item, address }
  })
}

function readServices(value: unknown, findings: Finding[]): readonly PlacedService[] {
  const path = ['services']
  if (value === undefined || value === unresolved) return []
  if (!Array.isArray(value)) {
    findings.push({ path, message: 'expected a list of services, each with a name' })
    return []
  }
  if (value.length > maxServices) {
    findings.push({ path, message: `expected at most ${maxServices} services` })
  }
  return value.slice(0, maxServices).map((one: unknown, index): PlacedService => {
    return { ...readService(one, [...path, index], findings), origin: 'file' }
  })
}

function documentsOf(services: unknown): readonly ServiceDocument[] {
  if (!Array.isArray(services)) return []
  return services.flatMap((document: unknown) => {
    const name = isMapping(document) ? document['name'] : undefined
    return typeof name === 'string' ? [{ name, document }] : []
  })
}

/** Whether the whole URI of the wallet came from a file or a variable. */
function isWalletReferred(document: unknown, { files }: Resolved): boolean {
  const given = isMapping(document) ? document['wallet'] : undefined
  const text = isMapping(given) ? given['uri'] : given
  if (files.has('wallet') || files.has('wallet\nuri')) return true
  return typeof text === 'string' && /^\$\{\w+\}$/.test(text)
}

/** Which texts are secrets, by where they stand. */
function kindOf(path: Path): TextKind {
  const [first, , third] = path
  if (first === 'services') return kindInService(path.slice(2))
  if (first === 'keys' && path.length === 1) return 'secret-reference'
  const isWallet = first === 'wallet' && (path.length === 1 || path[1] === 'uri')
  if (isWallet) return 'secret'
  const isTlsKey = first === 'listen' && path.at(-1) === 'key' && path.at(-2) === 'tls'
  if (isTlsKey && (third === 'tls' || path[1] === 'tls')) return 'secret-reference'
  return 'text'
}

function kindInService(path: Path): TextKind {
  const [first, second] = path
  if (first === 'name' && path.length === 1) return 'name'
  if (first !== 'upstream') return 'text'
  if (second === 'sign' && path.length === 2) return 'secret-reference'
  return second === 'headers' ? 'secret' : 'text'
}
