import { createHash, randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
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

/** Sent once the server listens. */
export type Ready = {
  readonly origin: string
  /** What opens `/paid`. */
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

const subjects: Readonly<Record<string, () => RequestListener>> = {
  'satway-hono': () => {
    const app = new Hono()
    app.get('/bare', (c) => c.json(content))
    app.get('/paid', honoL402(openGate()), (c) => c.json(content))
    return getRequestListener(app.fetch)
  },
  'satway-express': () => {
    const app = express()
    app.get('/bare', (_, response) => void response.json(content))
    app.get('/paid', expressL402(openGate()), (_, response) => void response.json(content))
    return app
  },
  'mppx-hono': () => {
    const app = new Hono()
    app.get('/bare', (c) => c.json(content))
    app.get('/paid', HonoMppx.create(mppxOptions).charge(mppxCharge), (c) => c.json(content))
    return getRequestListener(app.fetch)
  },
  'mppx-express': () => {
    const app = express()
    app.get('/bare', (_, response) => void response.json(content))
    app.get('/paid', ExpressMppx.create(mppxOptions).charge(mppxCharge), (_, response) => {
      response.json(content)
    })
    return app
  },
}

const name = process.argv[2] ?? ''
const server = createServer(subjects[name]!())
server.listen(0, '127.0.0.1', async () => {
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const authorization = name.startsWith('mppx-')
    ? await payPaymentChallenge(origin)
    : mintPaidToken(keys).authorization
  process.send!({ origin, authorization } satisfies Ready)
})
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send!({ cpuUs: user + system } satisfies Usage)
})

function openGate(): Gate {
  const { service, amountMsat: price, capability } = purchase
  const payee = createDevnet({ force: true }).addNode('seller', { balanceMsat: msat(0n) })
  return createPaywall({ service, payee, keys, denyList: createMemoryDenyList() }).charge({
    price,
    capability,
  })
}

/** mppx admits one credential again and again until its challenge expires. */
async function payPaymentChallenge(origin: string): Promise<string> {
  const challenge = Challenge.fromResponse(await fetch(`${origin}/paid`))
  const payload = { preimage: secret.toString('hex') }
  return Credential.serialize(Credential.from({ challenge, payload }))
}
