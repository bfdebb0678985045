import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

// The public surface, as a literal. Changing it is a decision: it shows up here.
const library = resolve(dirname(fileURLToPath(import.meta.url)), '../library')
const manifest = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string; default: string }>
  dependencies: Record<string, string>
  scripts?: Record<string, string>
}

const surface: Readonly<Record<string, readonly string[]>> = {
  '.': [
    'L402Error',
    'authorize',
    'canonicalTarget',
    'codes',
    'decodeHex',
    'decodeIdentifier',
    'decodeInvoice',
    'decodeInvoiceUnverified',
    'encodeHex',
    'encodeIdentifier',
    'encodeInvoice',
    'enforcedConditions',
    'expiresAtSeconds',
    'formatCaveat',
    'formatChallenge',
    'formatCredential',
    'formatMsat',
    'hashPreimage',
    'isL402Error',
    'maxInvoiceLength',
    'maxMsat',
    'msat',
    'msatToSatCeil',
    'parseAmount',
    'parseCaveat',
    'parseChallenges',
    'parseCredential',
    'parseMetadataCredential',
    'paymentHash',
    'preimage',
    'provesPayment',
    'purchaseCaveats',
    'readTerms',
    'requestCaveats',
    'satToMsat',
    'verifyInvoice',
  ],
  './macaroon': [
    'addThirdPartyCaveat',
    'attenuate',
    'bindDischarge',
    'decodeMacaroon',
    'decodeMacaroonJson',
    'decodeMacaroonV1',
    'decodeToken',
    'encodeMacaroon',
    'encodeMacaroonJson',
    'encodeMacaroonV1',
    'encodeToken',
    'limits',
    'mint',
    'verify',
    'verifyWithDischarges',
  ],
  './server': [
    'clientGone',
    'clientNetwork',
    'createIssuance',
    'createKeyRing',
    'createMemoryDenyList',
    'createMemoryUseStore',
    'createPaywall',
    'createRoutes',
    'isGate',
    'isWithheld',
    'parseKeyRing',
    'problemResponse',
    'requireArguments',
    'watchSettlements',
  ],
  './client': [
    'buysTheSame',
    'createClient',
    'createMemoryLedger',
    'createMemoryTokenStore',
    'delegate',
    'hostOf',
    'isPrivateAddress',
    'keepReconciling',
    'markToken',
    'mayOpen',
    'opensUntil',
    'storedTokenOf',
    'tokenOf',
  ],
  './journal': ['openJournal'],
  './transport': ['createTransport'],
  './lightning': [],
  './lightning/devnet': ['connectWallet', 'createDevnet', 'readWalletFile', 'serveWallet'],
  './lightning/http-wallet': ['createHttpWallet'],
  './lightning/lnd': ['createLnd'],
  './lightning/cln': ['createCln'],
  './lightning/phoenixd': ['createPhoenixd'],
  './lightning/nwc': ['createNwc'],
  './lightning/lnbits': ['createLnbits'],
  './lightning/btcpay': ['createBtcpay'],
  './lightning/charge': ['createCharge'],
  './lightning/lnurl': ['createLnurl'],
  './lightning/wallet': [
    'describePlace',
    'inlineSecretProblem',
    'leastPrivilege',
    'openWallet',
    'parseWalletUri',
    'resolveWalletUri',
  ],
  './web': ['hasLeft', 'protect', 'readWebRequest', 'toResponse', 'withHeaders'],
  './node-http': [
    'followResponse',
    'protect',
    'protectUpgrade',
    'readNodeRequest',
    'sendRefusal',
    'sendRefusalToSocket',
    'withhold',
  ],
  './hono': ['l402'],
  './express': ['l402'],
  './testing': [
    'invoiceFaultCases',
    'orderFaultCases',
    'payeeConformance',
    'payerConformance',
    'testClock',
  ],
  './testing/look-alike': [
    'invoiceScripts',
    'orderScripts',
    'recordPreimages',
    'serveBtcpay',
    'serveCharge',
    'serveCln',
    'serveClnSocket',
    'serveLnbits',
    'serveLnd',
    'serveLnurl',
    'serveLookAlike',
    'serveNwc',
    'servePhoenixd',
    'serveRelay',
  ],
}

describe('the surface of satway', () => {
  test('has these subpaths', () => {
    expect(Object.keys(manifest.exports)).toEqual([...Object.keys(surface), './package.json'])
  })

  for (const [subpath, names] of Object.entries(surface)) {
    test(`${subpath} gives these names`, async () => {
      const module = (await import(`satway${subpath.slice(1)}`)) as object
      expect(Object.keys(module).sort()).toEqual([...names].sort())
    })
  }

  test('depends on these packages, and runs nothing at install', () => {
    expect(Object.keys(manifest.dependencies)).toEqual([
      '@noble/ciphers',
      '@noble/curves',
      '@noble/hashes',
    ])
    expect(manifest.scripts).toBeUndefined()
  })
})
