import { msat, satToMsat } from 'satway'
import { createDevnet } from 'satway/lightning/devnet'
import {
  recordPreimages,
  serveBtcpay,
  serveCharge,
  serveCln,
  serveClnSocket,
  serveLnbits,
  serveLnd,
  serveLnurl,
  serveNwc,
  servePhoenixd,
} from 'satway/testing/look-alike'

// A look-alike of one kind of wallet in a process of its own, so that its work is not counted. Its
// first message is the URI that names it. Asked for a number, it answers with as many invoices of
// another node.

const kind = process.argv[2] ?? ''
const preimages = recordPreimages()
const devnet = createDevnet({
  force: true,
  random: preimages.random,
  // What phoenixd takes, whatever the way.
  ...(kind === 'phoenixd' && { feeBaseMsat: msat(4000n), feeProportionalMillionths: 4000 }),
})
const node = devnet.addNode('wallet', { balanceMsat: satToMsat(1_000_000_000n) })
const seller = devnet.addNode('seller', { balanceMsat: msat(0n) })

const uri = await serve()
process.on('message', async (count: number) => {
  const order = { amountMsat: satToMsat(10n), description: 'bench', expirySeconds: 3600 }
  const made = Array.from({ length: count }, () => seller.createInvoice(order))
  process.send!((await Promise.all(made)).map(({ invoice }) => invoice))
})
process.send!(uri)

async function serve(): Promise<string> {
  switch (kind) {
    case 'lnd': {
      const { url, bake } = await serveLnd(node)
      const macaroon = bake(['invoices:read', 'invoices:write', 'offchain:read', 'offchain:write'])
      return `${at(url)}?tls=off&macaroon=${Buffer.from(macaroon).toString('hex')}&network=regtest`
    }
    case 'cln': {
      const { url, runes } = await serveCln(node)
      return `${at(url)}?tls=off&rune=${runes.mint([])}&network=regtest`
    }
    case 'cln-socket':
      return `cln://${(await serveClnSocket(node)).socketPath}?network=regtest`
    case 'phoenixd': {
      const { url, password } = await servePhoenixd(node)
      return `${at(url)}?password=${password}&network=regtest`
    }
    case 'nwc':
      return `${(await serveNwc(node)).uri}&network=regtest`
    case 'lnbits': {
      const { url, adminKey } = await serveLnbits(node)
      return `${at(url)}?key=${adminKey}&network=regtest`
    }
    case 'btcpay': {
      const { url, storeId, key } = await serveBtcpay(node)
      return `${at(url)}/${storeId}?key=${key}&network=regtest`
    }
    case 'charge': {
      const { url, token } = await serveCharge(node)
      return `${at(url)}?token=${token}&network=regtest`
    }
    case 'lnurl': {
      const { address } = await serveLnurl(node, { preimageOf: preimages.preimageOf })
      return `lnurl:${address}?network=regtest`
    }
    default:
      throw new RangeError(`${kind}: no such wallet`)
  }
}

function at(url: string): string {
  return url.replace(/^http:/, `${kind}:`)
}
