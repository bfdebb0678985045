import type { WalletKind, WalletUri } from 'satway/lightning/wallet'
import { leastPrivilege, parseWalletUri } from 'satway/lightning/wallet'
import { z } from 'zod'
import { inSatwayFolder } from '../../keys/index.ts'
import type { WalletConfig } from './config.ts'
import { pathOf } from './listener.ts'
import type { Where } from './references.ts'
import { choose, flag, isMapping, leaf, members, short } from './schema.ts'
import { Expectation, expected, readAmount } from './units.ts'

const defaultBalance = '1000000 sat'
const form = 'the wallet: devnet, { devnet: { … } }, or the URI of a wallet, such as lnd://…'

/** How a wallet is named, by what people call it. */
const examples: Readonly<Record<string, string>> = {
  lnd: 'lnd://HOST:8080?macaroon=file:/PATH&cert=file:/PATH',
  cln: 'cln://HOST:3010?rune=file:/PATH&cert=file:/PATH',
  phoenixd: 'phoenixd://127.0.0.1:9740?password=file:/PATH',
  nwc: 'nostr+walletconnect://PUBKEY?relay=wss://RELAY&secret=file:/PATH',
  lnbits: 'lnbits://HOST?key=file:/PATH',
  btcpay: 'btcpay://HOST/STOREID?key=file:/PATH',
  charge: 'charge://HOST:9112?token=file:/PATH',
  lnurl: 'lnurl:NAME@HOST',
}

const otherNames: Readonly<Record<string, string>> = {
  lndconnect: 'lnd',
  voltage: 'lnd',
  clightning: 'cln',
  corelightning: 'cln',
  lightningd: 'cln',
  clnrest: 'cln',
  phoenix: 'phoenixd',
  nostrwalletconnect: 'nwc',
  alby: 'nwc',
  btcpayserver: 'btcpay',
  lightningcharge: 'charge',
  lightningaddress: 'lnurl',
}

/** How the wallet is written that somebody named without a URI. */
function exampleFor(value: unknown): string | undefined {
  const names = isMapping(value) ? Object.keys(value) : [value]
  for (const name of names) {
    if (typeof name !== 'string') continue
    const plain = name.slice(0, 32).toLowerCase().replace(/[-_ ]/g, '')
    const kind = Object.hasOwn(otherNames, plain) ? otherNames[plain] : plain
    if (kind !== undefined && Object.hasOwn(examples, kind)) return examples[kind]
  }
  return undefined
}

export type WalletReading = {
  readonly where: Where
  /** Whether the URI came from a file or a variable as a whole: then secrets may stand in it. */
  readonly isReferred: boolean
}

/** @spec gateway.md R-CONF-29, R-GWW-1 to R-GWW-4 */
export function walletSchema({ where, isReferred }: WalletReading): z.ZodType<WalletConfig> {
  const devnet = devnetSchema(where)
  const uri = leaf((value) => readUri(value, where, isReferred))
  const node = members({ uri, allow_spending: flag().default(false) }).transform(
    (given, context): WalletConfig => {
      if (given.uri.kind !== 'devnet') return { ...given.uri, allowSpending: given.allow_spending }
      if (given.allow_spending) {
        context.addIssue({
          code: 'custom',
          path: ['allow_spending'],
          message: 'the embedded network has nothing to spend: leave it out',
        })
      }
      const result = devnet.safeParse({ file: given.uri.file })
      if (result.success) return result.data
      for (const { message } of result.error.issues) context.addIssue({ code: 'custom', message })
      return z.NEVER
    },
  )
  const embedded = members({ devnet }).transform((given): WalletConfig => given.devnet)
  const unclear: z.ZodType<WalletConfig> = leaf((value) => {
    const example = exampleFor(value)
    if (example === undefined) expected(form)
    expected(`the URI of the wallet, its secret in a file or variable: ${example}`)
  })
  return short(
    (value) => {
      if (value === 'devnet') return { devnet: {} }
      return isUri(value) ? { uri: value } : value
    },
    choose<WalletConfig>((value) => {
      if (!isMapping(value)) return unclear
      if (Object.hasOwn(value, 'devnet')) return embedded
      const isNode = Object.hasOwn(value, 'uri') || Object.hasOwn(value, 'allow_spending')
      return isNode ? node : unclear
    }),
  )
}

/** Something that was meant as a URI, right or wrong. */
function isUri(value: unknown): value is string {
  return typeof value === 'string' && value !== 'devnet' && /[:@]/.test(value)
}

type NamedWallet =
  | { readonly kind: 'devnet'; readonly file: string }
  | Omit<Extract<WalletConfig, { readonly kind: 'uri' }>, 'allowSpending'>

/** @throws {Expectation} that repeats nothing of what may be a secret. */
function readUri(value: unknown, where: Where, isReferred: boolean): NamedWallet {
  if (typeof value !== 'string') expected('the URI of a wallet')
  const name = isReferred ? undefined : /^env:([A-Za-z_]\w{0,127})$/.exec(value)?.[1]
  const given = name === undefined ? value : where.env[name]
  if (given === undefined || given === '') {
    throw new Expectation(`environment variable ${name} is not set`)
  }
  const text = given.trim()
  const uri = parseWalletUri(text)
  if ('problem' in uri) throw new Expectation(uri.problem)
  if (uri.kind === 'reference') {
    throw new Expectation('names another place: write the URI itself there')
  }
  if (uri.kind === 'devnet') return { kind: 'devnet', file: uri.file }
  if (uri.kind === 'http') throw new Expectation(leastPrivilege('http', 'receive'))
  if (!isReferred && name === undefined) requireNoSecret(uri)
  const { kind: wallet, network } = uri
  return { kind: 'uri', wallet, network, uri }
}

/** What stands in a configuration ends in backups and histories. */
function requireNoSecret(uri: WalletUri): void {
  if (uri.secret?.from !== 'uri') return
  const option = secretNames[uri.kind]
  throw new Expectation(
    `a secret does not belong in here: put it into a file of mode 0600 and write ${option}=file:/PATH, or ${option}=env:NAME; or put the whole URI there and write file:PATH`,
  )
}

const secretNames: Readonly<Partial<Record<WalletKind, string>>> = {
  lnd: 'macaroon',
  cln: 'rune',
  phoenixd: 'password',
  nwc: 'secret',
  lnbits: 'key',
  btcpay: 'key',
  charge: 'token',
}

function devnetSchema(where: Where): z.ZodType<WalletConfig> {
  // Not `undefined`: that is when a default is taken.
  const file = choose<string | null>((value) =>
    value === 'none' ? z.literal('none').transform(() => null) : pathOf(where),
  )
  return members({
    file: file.default(inSatwayFolder('devnet.json', where.env)),
    balance: leaf(readAmount).prefault(defaultBalance),
    force: flag().default(false),
  }).transform(({ file, balance, force }, context): WalletConfig => {
    if (where.env['NODE_ENV'] === 'production' && !force) {
      context.addIssue({
        code: 'custom',
        message:
          'the embedded network has no real money, and NODE_ENV is production; write { devnet: { force: true } } to run it all the same',
      })
    }
    return { kind: 'devnet', file: file ?? undefined, balanceMsat: balance, force }
  })
}
