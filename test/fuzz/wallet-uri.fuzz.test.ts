import { expect, test } from 'vitest'
import type { WalletUri } from '../../program/src/agent/wallet-uri.ts'
import { parseWalletUri } from '../../program/src/agent/wallet-uri.ts'
import { fuzzText } from './harness.ts'

test('R-AGT-10 wallet URIs, mutated: a wallet that is safe to ask, or what is wrong', () => {
  const seen = { wallets: 0, refused: 0 }
  fuzzText({
    name: 'wallet URI',
    seeds: [
      'none',
      'devnet:/a/wallet.json',
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
      'token=',
      'lookup=',
      'file:',
      'env:',
      'http://',
      'https://',
      'devnet:',
      '127.0.0.1',
      'localhost',
      '.',
      'evil.example',
      '\\',
      '\n',
      ' ',
      'javascript:',
    ],
    read: parseWalletUri,
    codes: [],
    holds: (text, result) => {
      const uri = result as WalletUri | { readonly problem: string }
      if ('problem' in uri) {
        seen.refused += 1
        expect(uri.problem).not.toMatch(/[\r\n]/)
        return
      }
      seen.wallets += 1
      if (uri.kind === 'devnet') expect(`devnet:${uri.file}`).toBe(text)
      if (uri.kind !== 'http') return
      const url = new URL(uri.url)
      expect(url.search + url.hash + url.username + url.password).toBe('')
      const isNear = /^(?:localhost\.?|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
      expect(url.protocol === 'https:' || isNear).toBe(true)
      if (uri.lookupUrl === undefined) return
      expect(uri.lookupUrl.split('{hash}')).toHaveLength(2)
      expect(new URL(uri.lookupUrl).origin).toBe(url.origin)
    },
  })
  expect(seen.wallets).toBeGreaterThan(0)
  expect(seen.refused).toBeGreaterThan(0)
})
