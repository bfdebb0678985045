import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import type { Client } from 'satway/client'
import { createClient } from 'satway/client'
import { l402 } from 'satway/hono'
import { protect } from 'satway/node-http'
import type { Gate, PaywallOptions } from 'satway/server'
import { createKeyRing, createPaywall } from 'satway/server'
import { onTestFinished } from 'vitest'
import { serve } from './loopback.ts'
import type { Market } from './market.ts'
import { feeMsat, priceMsat } from './market.ts'

/** How our server can be put together here; a client must not see the difference. */
export const frontages = ['node-http', 'hono'] as const
export type Frontage = (typeof frontages)[number]

type ShopOptions = Pick<PaywallOptions, 'legacyLsat'> & { readonly frontage?: Frontage }

/** Our server on a loopback port, with one priced route: `GET /paid` says `sunny`. */
export async function openShop(market: Market, options: ShopOptions = {}): Promise<string> {
  const { frontage = 'node-http', ...paywall } = options
  const gate = openGate(market, paywall)
  if (frontage === 'node-http')
    return await serve(protect(gate, (_, response) => response.end('sunny')))
  const app = new Hono()
  app.get('/paid', l402(gate), (c) => c.text('sunny'))
  return await serve(getRequestListener(app.fetch))
}

/** The gate of that route, for a test that serves it in its own way. */
export function openGate(market: Market, options: Pick<PaywallOptions, 'legacyLsat'> = {}): Gate {
  const paywall = createPaywall({
    service: 'weather',
    payee: market.seller,
    keys: createKeyRing([{ kid: 1, key: new Uint8Array(32).fill(7) }]),
    ...options,
  })
  onTestFinished(() => paywall.close())
  return paywall.charge({ price: priceMsat, capability: 'forecast' })
}

/** Our client, paying from the buyer's node. */
export function openClient(market: Market): Client {
  return createClient({
    payer: market.buyer,
    policy: { maxPaymentMsat: '11000 sat', maxTotalMsat: '100000 sat', maxFeeMsat: feeMsat },
  })
}
