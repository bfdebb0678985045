import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { RequestHandler } from 'express'
import express from 'express'
import type { MiddlewareHandler } from 'hono'
import { Hono } from 'hono'
import { Challenge, Credential } from 'mppx'
import { Mppx as ExpressMppx } from 'mppx/express'
import { Mppx as HonoMppx } from 'mppx/hono'
import { msat } from 'satway'
import { l402 as expressL402 } from 'satway/express'
import { l402 as honoL402 } from 'satway/hono'
import { createDevnet } from 'satway/lightning/devnet'
import type { Gate } from 'satway/server'
import { createKeyRing, createMemoryDenyList, createPaywall } from 'satway/server'
import { lightningServer } from '../../test/interop/mppx-lightning.ts'
import { mintPaidToken, purchase } from '../paid-token.ts'

/** Sent once both servers listen. */
export type Ready = {
  readonly bareUrl: string
  readonly paidUrl: string
  /** What opens the protected route. */
  readonly authorization: string
}

/** The answer to any message: processor time of this process so far. */
export type Usage = { readonly cpuUs: number }

/** What each route sends: about 500 bytes of JSON. */
const content = { data: 'x'.repeat(480) }

const keys = createKeyRing([{ kid: 1, key: randomBytes(32) }])
const secret = randomBytes(32)
const mppxOptions = {
  methods: [lightningServer] as const,
  secretKey: randomBytes(32).toString('hex'),
  realm: 'bench',
}
const mppxCharge = {
  expires: new Date(Date.now() + 3_600_000),
  amount: '10',
  currency: 'sat',
  methodDetails: {
    invoice: 'lnbcrt',
    paymentHash: createHash('sha256').update(secret).digest('hex'),
  },
}

/** The same application with nothing before its one route, and with a gate. */
type Subject = { readonly bare: RequestListener; readonly paid: RequestListener }

const subjects: Readonly<Record<string, () => Subject>> = {
  'satway-hono': () => ({ bare: honoApp(), paid: honoApp(honoL402(openGate())) }),
  'satway-express': () => ({ bare: expressApp(), paid: expressApp(expressL402(openGate())) }),
  'mppx-hono': () => {
    const gate = HonoMppx.create(mppxOptions).charge(mppxCharge)
    return { bare: honoApp(), paid: honoApp(gate) }
  },
  'mppx-express': () => {
    const gate = ExpressMppx.create(mppxOptions).charge(mppxCharge)
    return { bare: expressApp(), paid: expressApp(gate) }
  },
}

const name = process.argv[2] ?? ''
const { bare, paid } = subjects[name]!()
const bareUrl = await listen(bare)
const paidUrl = await listen(paid)
const authorization = name.startsWith('mppx-')
  ? await payPaymentChallenge(paidUrl)
  : mintPaidToken(keys).authorization
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send!({ cpuUs: user + system } satisfies Usage)
})
process.send!({ bareUrl, paidUrl, authorization } satisfies Ready)

function honoApp(...gate: MiddlewareHandler[]): RequestListener {
  const app = new Hono()
  for (const handler of gate) app.use('/item', handler)
  app.get('/item', (c) => c.json(content))
  return getRequestListener(app.fetch)
}

function expressApp(...gate: RequestHandler[]): RequestListener {
  const app = express()
  app.get('/item', ...gate, (_, response) => void response.json(content))
  return app
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/item`
}

function openGate(): Gate {
  const { service, amountMsat: price, capability } = purchase
  const payee = createDevnet({ force: true }).addNode('seller', { balanceMsat: msat(0n) })
  return createPaywall({ service, payee, keys, denyList: createMemoryDenyList() }).charge({
    price,
    capability,
  })
}

/** mppx admits one credential again and again until its challenge expires. */
async function payPaymentChallenge(url: string): Promise<string> {
  const challenge = Challenge.fromResponse(await fetch(url))
  const payload = { preimage: secret.toString('hex') }
  return Credential.serialize(Credential.from({ challenge, payload }))
}
