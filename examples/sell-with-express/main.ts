// Sells one route of an Express 5 app, and buys it. Run it: npx node examples/sell-with-express/main.ts

import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { formatMsat, satToMsat } from 'satway'
import { createClient } from 'satway/client'
import { l402 } from 'satway/express'
import { createDevnet } from 'satway/lightning/devnet'
import { createKeyRing, createPaywall } from 'satway/server'

const devnet = createDevnet()
const seller = devnet.addNode('seller', { balanceMsat: satToMsat(0n) })
const buyer = devnet.addNode('buyer', { balanceMsat: satToMsat(1000n) })

const paywall = createPaywall({
  service: 'translate',
  payee: seller,
  keys: createKeyRing([{ kid: 1, key: randomBytes(32) }]),
})
const perCall = paywall.charge({ price: '3 sat', capability: 'translate', uses: 1 })

const app = express()
// The gate comes before the body parser: nobody makes the server parse what was not paid for.
app.post('/translate', l402(perCall), express.json(), (req, res) => {
  res.json({
    text: String((req.body as { text: unknown }).text).toUpperCase(),
    paid: req.l402?.amountMsat.toString(),
  })
})

const server = app.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as AddressInfo
  const client = createClient({
    payer: buyer,
    policy: { maxPaymentMsat: '10 sat', maxTotalMsat: '100 sat' },
  })
  const response = await client.fetch(`http://127.0.0.1:${port}/translate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'hello' }),
  })
  console.log(`${response.status}: ${await response.text()}`)
  console.log(`the seller has ${formatMsat(seller.balanceMsat())}`)
  await paywall.close()
  server.close()
})
