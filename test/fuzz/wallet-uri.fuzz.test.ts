import { expect, test } from 'vitest'
import type { WalletReference, WalletUri } from '../../library/src/lightning/wallet/index.ts'
import { parseWalletUri } from '../../library/src/lightning/wallet/index.ts'
import { fuzzText } from './harness.ts'

const hex64 = 'ab'.repeat(32)
const isNear = (url: URL): boolean =>
  /^(?:localhost\.?|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)

test('R-WAL-1 R-WAL-3 wallet URIs, mutated: a wallet that is safe to ask, or what is wrong', () => {
  const seen = { wallets: 0, refused: 0 }
  fuzzText({
    name: 'wallet URI',
    seeds: [
      'devnet:/a/wallet.json',
      'file:/run/wallet',
      'env:WALLET',
      'lnd://n.example:8080?macaroon=file:/m&cert=file:/c',
      'lnd://127.0.0.1?macaroon=0201&tls=off&network=regtest',
      'lndconnect://[::1]:8080?macaroon=AgEDbG5k&cert=MIIB',
      'cln:///run/lightning-rpc?network=regtest',
      'cln://n.example:3010/rest?rune=env:RUNE',
      'phoenixd://127.0.0.1:9740?password=file:/p',
      `nostr+walletconnect://${hex64}?relay=wss%3A%2F%2Fr.example&secret=${hex64}`,
      'lnbits://n.example/x?key=file:/k',
      'btcpay://n.example/STORE?key=file:/k',
      'charge://[::1]:9112?token=file:/t',
      'lnurl:alice@n.example?network=signet',
      'lnurl:https://n.example/p?id=7&network=regtest',
      'https://w.example/payinvoice?token=file:/run/token&network=signet&lookup=/payments/{hash}',
      'http://127.0.0.1:4021/pay?token=env:TOKEN&invoice_field=bolt11&preimage=data.preimage',
      'http://[::1]:80/pay?lookup=http://[::1]/{hash}?x=1&paid=ok&fee=f&max_fee_field=m',
    ],
    words: [
      '?',
      '&',
      '=',
      '#',
      '@',
      ':',
      '/',
      '//',
      '..',
      '{hash}',
      '%7Bhash%7D',
      '%00',
      '%',
      'token=',
      'lookup=',
      'macaroon=',
      'cert=',
      'tls=off',
      'file:',
      'env:',
      'lnd://',
      'cln://',
      'http://',
      'https://',
      'devnet:',
      '127.0.0.1',
      '127.1',
      'localhost',
      '[::1]',
      '.',
      'evil.example',
      '\\',
      '\n',
      ' ',
      'javascript:',
    ],
    read: parseWalletUri,
    codes: [],
    holds: (_text, result) => {
      const uri = result as WalletUri | WalletReference | { readonly problem: string }
      if ('problem' in uri) {
        seen.refused += 1
        expect(uri.problem).toMatch(/^[\x20-\x7e…]{1,400}$/)
        return
      }
      seen.wallets += 1
      if (uri.kind === 'reference') return
      if (uri.kind === 'nwc') {
        for (const relay of uri.relays.map((text) => new URL(text)))
          expect(relay.protocol === 'wss:' || isNear(relay)).toBe(true)
      }
      if (uri.kind === 'cln' && uri.socketPath !== undefined) {
        expect(uri.socketPath).toMatch(/^\/[^\0]+$/)
      }
      if (uri.url === undefined) return
      const url = new URL(uri.url)
      expect(url.search + url.hash + url.username + url.password).toBe('')
      expect(url.protocol === 'https:' || (url.protocol === 'http:' && isNear(url))).toBe(true)
      if (uri.kind !== 'http') {
        // What is sent is what was written: the platform moves nothing.
        expect(url.href.replace(/\/$/, '').replace(/:443$/, '')).toBe(
          uri.url.replace(/^(https:.*):443(?=\/|$)/, '$1').replace(/^(http:.*):80(?=\/|$)/, '$1'),
        )
        return
      }
      if (uri.lookupUrl === undefined) return
      expect(uri.lookupUrl.split('{hash}')).toHaveLength(2)
      expect(new URL(uri.lookupUrl).origin).toBe(url.origin)
    },
  })
  expect(seen.wallets).toBeGreaterThan(0)
  expect(seen.refused).toBeGreaterThan(0)
})
