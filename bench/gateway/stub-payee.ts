import { randomBytes } from 'node:crypto'
import { bech32 } from '@scure/base'
import type { Msat } from 'satway'
import { encodeInvoice, paymentHash } from 'satway'
import type { Payee } from 'satway/lightning'

const timestampWords = 7
const hashTag = 1

/**
 * A wallet that answers at once. Its invoices have payment hashes of their own and a right checksum,
 * and the signature of another invoice, which only a payer looks at: nobody can pay them.
 */
export function createStubPayee(amountMsat: Msat): Payee {
  const template = encodeInvoice(
    {
      network: 'regtest',
      amountMsat,
      timestampSeconds: Math.floor(Date.now() / 1000),
      expirySeconds: 86_400,
      description: 'stub',
      paymentHash: paymentHash(randomBytes(32)),
      paymentSecret: randomBytes(32),
    } as Parameters<typeof encodeInvoice>[0],
    randomBytes(32),
  )
  const { prefix, words } = bech32.decode(template as `${string}1${string}`, false)
  const place = placeOfHash(words)
  return {
    network: 'regtest',
    async createInvoice() {
      words.splice(place, 52, ...bech32.toWords(randomBytes(32)))
      return { invoice: bech32.encode(prefix, words, false) }
    },
    lookupInvoice: async () => ({ status: 'not-found' }),
    async *settlements(signal) {
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    },
  }
}

/** Where the 52 words of the payment hash begin. */
function placeOfHash(words: readonly number[]): number {
  let at = timestampWords
  while (at < words.length) {
    const length = words[at + 1]! * 32 + words[at + 2]!
    if (words[at] === hashTag && length === 52) return at + 3
    at += 3 + length
  }
  throw new Error('the template has no payment hash')
}
