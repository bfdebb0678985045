// A process that uses a wallet as its argument says, and then has nothing more to do.
import { msat } from '../../library/src/amount/index.ts'
import { createNwc } from '../../library/src/lightning/nwc/index.ts'

const [what, walletPubkey = '', secret = '', relay = ''] = process.argv.slice(2)
const options = {
  walletPubkey,
  secret,
  relays: [relay],
  network: 'regtest',
  timeoutMs: 2000,
} as const
const wallet = createNwc(options)
const request = { amountMsat: msat(1000n), description: '', expirySeconds: 600 }

if (what === 'asks') await wallet.payee.createInvoice(request)
if (what === 'closes') {
  await wallet.examine()
  wallet.close()
}
if (what === 'listens') {
  await wallet.payee.createInvoice(request)
  wallet.payee
    .settlements(new AbortController().signal)
    [Symbol.asyncIterator]()
    .next()
    .catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, 300))
}
if (what === 'mute') await wallet.examine().catch(() => wallet.close())
console.log('done')
