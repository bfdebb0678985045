import { readAddress } from '../addresses.ts'
import { readGeneratedName, readPublicName } from '../hosts.ts'
import { readNetwork } from '../networks.ts'
import { Expectation } from '../units.ts'
import type { Note } from './notes.ts'
import { findIgnored } from './notes.ts'
import {
  duration,
  goDuration,
  listOfTexts,
  mappingOf,
  numberOf,
  objection,
  textOf,
} from './values.ts'
import { walletLines } from './wallet.ts'
import { flowList, literal, scalar } from './yaml-text.ts'

type Source = Readonly<Record<string, unknown>>
type Add = (kind: Note['kind'], path: string, message: string) => void

/**
 * Translates everything beside the services.
 *
 * @returns Lines of YAML.
 * @spec gateway.md R-CONF-21
 */
export function importSettings(source: Source, notes: Note[]): readonly string[] {
  const add: Add = (kind, path, message) => notes.push({ kind, path, message })
  notes.push(...findIgnored(source, '', ''))
  for (const name of ['sqlite', 'postgres', 'etcd', 'authenticator', 'tor', 'hashmail']) {
    notes.push(...findIgnored(mappingOf(source[name]), name, name))
  }
  for (const name of ['prometheus', 'admin']) {
    notes.push(...findIgnored(mappingOf(source[name]), name, name))
  }
  return [
    ...listenLines(source, add),
    '',
    ...blockLines(source, add),
    ...walletLines(source, add),
    '',
    '# The keys of your tokens. Make them with: satway keys rotate --create --file satway.keys',
    'keys: file:satway.keys',
    'state: ./satway.db',
    ...limitLines(source, add),
    '',
    ...remarks(source, add),
  ]
}

function listenLines(source: Source, add: Add): readonly string[] {
  const given = textOf(source['listenaddr']) ?? ''
  const address = given.startsWith(':') ? `0.0.0.0${given}` : given
  const mistake = objection(() => readAddress(address))
  if (address === '') add('fill-in', 'listenaddr', 'is missing; it became 127.0.0.1:8402')
  else if (mistake !== undefined) add('fill-in', 'listenaddr', `is no address here: ${mistake}`)
  else add('carried', 'listenaddr', address)
  const lines = ['listen:', `  - address: ${literal(address === '' ? '127.0.0.1:8402' : address)}`]
  const name = textOf(source['servername']) ?? ''
  if (source['insecure'] === true) {
    add('carried', 'insecure', 'without TLS')
    return lines
  }
  if (source['autocert'] === true) {
    add(
      'fill-in',
      'autocert',
      'read the terms of the authority, and write agree_to_terms: true when you agree; port 80 must reach the gateway',
    )
    const unproven = objection(() => readPublicName(name))
    if (unproven !== undefined) add('fill-in', 'servername', unproven)
    return [
      ...lines,
      '    tls:',
      '      acme:',
      '        directory: https://acme-v02.api.letsencrypt.org/directory',
      '        agree_to_terms: false',
      `        names: ${flowList([name === '' ? 'fill-in.invalid' : name])}`,
      '        folder: ./acme',
    ]
  }
  const names = flowList([name === '' ? 'localhost' : name])
  const unnameable = objection(() => readGeneratedName(name === '' ? 'localhost' : name))
  if (unnameable !== undefined) add('fill-in', 'servername', unnameable)
  add(
    'changed',
    'insecure',
    `a certificate is generated for ${names} and kept in ./tls; Aperture's own tls.cert and tls.key can be named instead: tls: { certificate: file:…, key: file:… }`,
  )
  return [...lines, `    tls: { generate: true, names: ${names}, folder: ./tls }`]
}

function blockLines(source: Source, add: Add): readonly string[] {
  const good: string[] = []
  for (const [index, entry] of listOfTexts(source['blocklist']).entries()) {
    try {
      good.push(readNetwork(entry).replace(/\/(?:32|128)$/, ''))
    } catch (error) {
      if (!(error instanceof Expectation)) throw error
      add('left-out', `blocklist[${index}]`, 'is no address')
    }
  }
  if (good.length === 0) return []
  add('carried', 'blocklist', `block: ${good.length}`)
  return [`block: ${flowList(good)}`, '']
}

function limitLines(source: Source, add: Add): readonly string[] {
  const idle = goDuration(source['idletimeout'])
  if (idle === undefined) return []
  const within = Math.min(3_600_000, Math.max(1000, idle))
  add(
    within === idle ? 'carried' : 'changed',
    'idletimeout',
    `limits.keep_alive ${duration(within)}`,
  )
  return [`limits: { keep_alive: ${duration(within)} }`]
}

/** What needs no setting here, or has no place. */
function remarks(source: Source, add: Add): readonly string[] {
  add(
    'changed',
    'dbbackend',
    'tokens that Aperture sold do not work here: their keys are in its database',
  )
  for (const name of ['sqlite', 'postgres', 'etcd']) {
    if (source[name] !== undefined) add('left-out', name, 'the state is one SQLite file, satway.db')
  }
  if (source['readtimeout'] !== undefined || source['writetimeout'] !== undefined) {
    add(
      'left-out',
      'readtimeout, writetimeout',
      'streams that move are not cut here; see head_timeout and idle_timeout of an upstream',
    )
  }
  if (source['servestatic'] === true) {
    add('left-out', 'servestatic', 'files are not served; put a web server behind a free route')
  }
  const tor = mappingOf(source['tor'])
  if (textOf(tor['control']) !== undefined) {
    add('left-out', 'tor', "Tor's own onion service is put in front of the gateway instead")
  }
  if (mappingOf(source['hashmail'])['enabled'] === true) {
    add('left-out', 'hashmail', 'the mailbox relay is not part of the gateway')
  }
  if (mappingOf(source['prometheus'])['enabled'] === true) {
    add('changed', 'prometheus', 'metrics are at /metrics of the admin API')
  }
  if (mappingOf(source['admin'])['enabled'] === true) {
    add('changed', 'admin', 'has an address and macaroons of its own; satway admin speaks to it')
  }
  for (const name of [
    'debuglevel',
    'logging',
    'profile',
    'basedir',
    'invoicebatchsize',
    'staticroot',
  ]) {
    if (source[name] !== undefined) add('left-out', name, 'has no counterpart')
  }
  if (source['strictverify'] === true) {
    add('carried', 'strictverify', 'a token works only with the proof of its payment')
  }
  const port = numberOf(source['wspinginterval'])
  if (port !== undefined)
    add('left-out', 'wspinginterval', 'WebSockets are passed through as they are')
  return [scalar('admin') + ': 127.0.0.1:8403']
}
