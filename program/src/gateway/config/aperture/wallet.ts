import { leastPrivilege, parseWalletUri } from 'satway/lightning/wallet'
import type { Note } from './notes.ts'
import { mappingOf, textOf } from './values.ts'
import { comment, literal } from './yaml-text.ts'

type Source = Readonly<Record<string, unknown>>
type Add = (kind: Note['kind'], path: string, message: string) => void

/** Aperture's names of networks, and the folders of lnd, by ours. */
const networks: Readonly<Record<string, string>> = {
  mainnet: 'bitcoin',
  testnet: 'testnet',
  signet: 'signet',
  regtest: 'regtest',
  simnet: 'simnet',
}
/** Where lnd's REST interface listens, unless it is told otherwise. */
const restPort = 8080

/**
 * Who is paid: Aperture's lnd over gRPC becomes lnd over REST.
 *
 * @returns Lines of YAML.
 * @spec gateway.md R-CONF-21, R-GWW-30
 */
export function walletLines(source: Source, add: Add): readonly string[] {
  const given = mappingOf(source['authenticator'])
  if (given['disable'] === true) {
    add('danger', 'authenticator.disable', 'Aperture asked nobody for payment. Here it is paid')
  }
  if (textOf(given['passphrase']) !== undefined) {
    add('left-out', 'authenticator.passphrase', 'a secret, and of no use here')
  }
  const mpp = [
    'enablempp',
    'mpprealm',
    'enablesessions',
    'sessiondepositmultiplier',
    'sessionidletimeout',
  ]
  if (mpp.some((name) => given[name] !== undefined && given[name] !== false)) {
    add('left-out', 'authenticator.enablempp', 'MPP is not carried over; L402 is what is sold')
  }
  const uri = uriOf(given)
  return uri === undefined ? devnetLines(given, add) : lndLines(given, uri, add)
}

/** `undefined` where it is not known which lnd was meant. */
function uriOf(given: Source): string | undefined {
  const isLnd = ['lndhost', 'tlspath', 'macdir'].some((name) => textOf(given[name]) !== undefined)
  const name = textOf(given['network']) ?? 'mainnet'
  const network = Object.hasOwn(networks, name) ? networks[name] : undefined
  const host = hostOf(textOf(given['lndhost']) ?? 'localhost:10009')
  const folder = pathOf(textOf(given['macdir']) ?? `~/.lnd/data/chain/bitcoin/${name}`)
  const certificate = pathOf(textOf(given['tlspath']) ?? '~/.lnd/tls.cert')
  if (!isLnd || network === undefined || host === undefined) return undefined
  if (folder === undefined || certificate === undefined) return undefined
  const more = network === 'bitcoin' ? '' : `&network=${network}`
  const uri = `lnd://${host}:${restPort}?macaroon=file:${folder}/invoice.macaroon&cert=file:${certificate}${more}`
  return 'problem' in parseWalletUri(uri) ? undefined : uri
}

/** Without its port, which is that of gRPC. */
function hostOf(address: string): string | undefined {
  return /^(?:https?:\/\/)?(\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(address)?.[1]
}

/** As it stands in a URI. `undefined` for a relative one: relative to what, Aperture did not say. */
function pathOf(path: string): string | undefined {
  if (!/^(?:\/|~\/)[^\p{Cc}]+$/u.test(path)) return undefined
  return encodeURI(path.replace(/\/+$/, '')).replace(/[?#&]/g, encodeURIComponent)
}

function lndLines(given: Source, uri: string, add: Add): readonly string[] {
  const { host } = new URL(uri.replace('lnd:', 'https:'))
  add(
    'changed',
    'authenticator.lndhost',
    `lnd is spoken to over its REST interface, at ${host}: look into its restlisten where that is not so`,
  )
  add(
    'changed',
    'authenticator.macdir',
    `the invoice.macaroon in it is used, which has to be the gateway's user's alone (chmod 600). It allows more than a gateway needs: hold invoices, addresses on chain, and all invoices to be read. ${leastPrivilege('lnd', 'receive')}`,
  )
  for (const name of ['tlspath', 'network']) {
    if (textOf(given[name]) !== undefined) add('carried', `authenticator.${name}`, 'in the wallet')
  }
  return ['# Who gets the money: the lnd that Aperture used.', `wallet: ${literal(uri)}`]
}

function devnetLines(given: Source, add: Add): readonly string[] {
  const lines = [
    '# Who gets the money. devnet is an embedded network without real money: for a first run.',
    '# For real: lnd://HOST:8080?macaroon=file:/PATH&cert=file:/PATH, or another wallet URI.',
  ]
  const node = ['network', 'lndhost', 'tlspath', 'macdir', 'mailboxaddress', 'wavelengthgateway']
  const known = node.filter((name) => textOf(given[name]) !== undefined)
  if (known.length > 0) lines.push('# Aperture was paid by:')
  for (const name of known) lines.push(comment(`  ${name}: ${textOf(given[name])}`))
  add(
    'fill-in',
    'authenticator',
    'the wallet is devnet, without real money, because it cannot be told which lnd is reached how: name yours as a URI. The settings of your node are kept in a comment',
  )
  return [...lines, 'wallet: devnet']
}
