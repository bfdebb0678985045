import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PaymentHash } from 'satway'
import { decodeHex, paymentHash, satToMsat } from 'satway'
import { delegate } from 'satway/client'
import type { Devnet, DevnetNode } from 'satway/lightning/devnet'
import { createDevnet, serveWallet } from 'satway/lightning/devnet'
import { protect } from 'satway/node-http'
import { createKeyRing, createPaywall, createRoutes } from 'satway/server'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callReport, quoteReport, spendingView } from '../schema/index.ts'
import type { Agent, AgentOptions, Step } from './agent.ts'
import { openAgent } from './open-agent.ts'
import { askPrice, perform, resumeCall } from './perform.ts'
import { BodyTooLong } from './report-body.ts'
import { readSpending } from './spending.ts'

let folder: string
let devnet: Devnet
let buyer: DevnetNode
let wallet: string
let url: string
let answer: (request: IncomingMessage, response: ServerResponse) => void
let requests: IncomingMessage[]
const closers: (() => unknown)[] = []

beforeEach(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'satway-agent-')), 'home')
  mkdirSync(folder, { mode: 0o700 })
  // Not into the keychain of whoever runs the tests.
  writeFileSync(join(folder, 'config.yaml'), 'key: file\n', { mode: 0o600 })
  devnet = createDevnet()
  buyer = devnet.addNode('buyer', { balanceMsat: satToMsat(10_000n) })
  const payee = devnet.addNode('seller', { balanceMsat: satToMsat(10_000n) })
  const file = join(folder, '..', 'wallet.json')
  const server = await serveWallet(buyer, { file })
  closers.push(() => server.close())
  wallet = `devnet:${file}`

  const paywall = createPaywall({
    service: 'shop',
    payee,
    keys: createKeyRing([{ kid: 1, key: randomBytes(32) }]),
  })
  closers.push(() => paywall.close())
  const routes = createRoutes(paywall, {
    'GET /free': 'free',
    'GET /paid': { price: '10 sat', description: 'what is paid for' },
    'POST /order': { price: '10 sat' },
  })
  requests = []
  answer = (_request, response) => {
    response.setHeader('content-type', 'text/plain')
    response.end('goods')
  }
  const guarded = protect(routes, async (request, response) => answer(request, response))
  const shop = createServer((request, response) => {
    requests.push(request)
    guarded(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    shop.closeAllConnections()
    shop.close()
  })
  url = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`
})

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  rmSync(join(folder, '..'), { recursive: true, force: true })
})

async function open(options: Partial<AgentOptions> = {}): Promise<Agent> {
  const agent = await openAgent({ home: folder, wallet, ask: { kind: 'queue' }, ...options })
  closers.push(() => agent.close())
  return agent
}

const maxBodyBytes = 1000
const get = async (agent: Agent, path: string): Promise<ReturnType<typeof callReport.parse>> =>
  callReport.parse(await perform(agent, { url: url + path, init: {} }, { maxBodyBytes }))
const writePolicy = (text: string): void => {
  const policy = join(folder, 'policy.yaml')
  writeFileSync(policy, `version: 1\nper_payment: 100 sat\ntotal: 1000 sat\n${text}`, {
    mode: 0o600,
  })
}

describe('R-AGT-20 a call ends in a report', () => {
  test('of what was free', async () => {
    const agent = await open()
    expect(await get(agent, '/free')).toMatchObject({
      outcome: 'not_paid',
      method: 'GET',
      url: `${url}/free`,
      status: 200,
      contentType: 'text/plain',
      amountMsat: null,
      body: 'goods',
      bodyEncoding: 'utf8',
      truncated: false,
      error: null,
      exitCode: 0,
    })
  })

  test('of what was bought, once, by all who keep their things in one home', async () => {
    const first = await open()
    const bought = await get(first, '/paid')
    expect(bought).toMatchObject({
      outcome: 'paid_delivered',
      status: 200,
      amountMsat: '10000',
      body: 'goods',
      resume: null,
      exitCode: 0,
    })
    expect(bought.paymentHash).toMatch(/^[0-9a-f]{64}$/)
    await first.close()

    const balance = buyer.balanceMsat()
    expect(await get(await open(), '/paid')).toMatchObject({
      outcome: 'not_paid',
      amountMsat: null,
      paymentHash: bought.paymentHash,
      body: 'goods',
    })
    expect(buyer.balanceMsat()).toBe(balance)
    expect(JSON.stringify(bought)).not.toMatch(/preimage|macaroon/i)
  })

  test('of a limit, with the price and what to do', async () => {
    const report = callReport.parse(
      await perform(
        await open(),
        { url: `${url}/paid`, init: { l402: { expectedPriceMsat: '5 sat' } } },
        { maxBodyBytes },
      ),
    )
    expect(report).toMatchObject({
      outcome: 'refused',
      status: 402,
      amountMsat: '10000',
      exitCode: 8,
      error: { code: 'BUDGET_EXCEEDED', reason: 'expected-price' },
    })
  })

  test('of a payment that failed', async () => {
    buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    expect(await get(await open(), '/paid')).toMatchObject({
      outcome: 'not_paid',
      status: 402,
      amountMsat: '10000',
      feeMsat: null,
      maxFeeMsat: '5000',
      exitCode: 4,
      error: { code: 'PAYMENT_FAILED', reason: 'no-route' },
    })
  })

  test('of what was asked about and has no answer yet', async () => {
    writePolicy('auto_up_to: 1 sat\n')
    const agent = await open()
    const asked = await get(agent, '/paid')
    expect(asked).toMatchObject({
      outcome: 'refused',
      exitCode: 9,
      error: { code: 'POLICY_REFUSED', reason: 'approval-pending' },
    })
    const id = asked.approvalId ?? ''
    expect(id).toMatch(/^\w{8}$/)
    expect(asked.error?.advice).toContain(id)
    expect((await get(agent, '/paid')).approvalId).toBe(id)

    await agent.journal?.approvals.decide(id, 'approved', Date.now() / 1000)
    expect(await get(agent, '/paid')).toMatchObject({ outcome: 'paid_delivered', exitCode: 0 })
  })

  test('of a server that is not there', async () => {
    const order = { url: 'http://127.0.0.1:9/x', init: {} }
    const report = callReport.parse(await perform(await open(), order, { maxBodyBytes }))
    expect(report).toMatchObject({ outcome: 'not_paid', status: null })
    expect(report.exitCode).toBe(7)
    expect(report.error?.code).toBe('NETWORK')
  })

  test('of many at once, each with its own price', async () => {
    const agent = await open()
    const [one, other] = await Promise.all([
      perform(agent, { url: `${url}/paid`, init: { l402: { pay: false } } }, { maxBodyBytes }),
      perform(agent, { url: `${url}/free`, init: {} }, { maxBodyBytes }),
    ])
    expect(one).toMatchObject({ status: 402, amountMsat: '10000', exitCode: 3 })
    expect(other).toMatchObject({ status: 200, amountMsat: null, exitCode: 0 })
  })
})

describe('R-AGT-25 where the body goes', () => {
  test('a place takes it, and is named once it is there', async () => {
    let path: string | null = null
    let written = ''
    const sink = {
      get path(): string | null {
        return path
      },
      write: async (response: Response): Promise<void> => {
        written = await response.text()
        path = '/somewhere'
      },
    }
    const order = { url: `${url}/free`, init: {} }
    const report = await perform(await open(), order, { sink, maxBodyBytes })
    expect(written).toBe('goods')
    expect(report).toMatchObject({ output: '/somewhere', body: null, exitCode: 0 })
  })

  test('of what was bought breaks off, each time, and costs one payment', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': 1000 })
      response.write('x', () => setImmediate(() => response.destroy()))
    }
    const agent = await open()
    const first = await get(agent, '/paid')
    const balance = buyer.balanceMsat()
    const hash = first.paymentHash ?? ''
    for (const report of [
      first,
      await get(agent, '/paid'),
      callReport.parse(await resumeCall(agent, hash, {}, { maxBodyBytes })),
    ]) {
      expect(report).toMatchObject({
        outcome: 'paid_not_delivered',
        amountMsat: '10000',
        paymentHash: hash,
        resume: hash,
        exitCode: 6,
        error: { code: 'PAYMENT_NOT_DELIVERED' },
      })
    }
    expect(buyer.balanceMsat()).toBe(balance)
  })

  test('or refuses it unread, and its connection is let go', async () => {
    const ended = Promise.withResolvers<void>()
    answer = (_request, response) => {
      response.on('close', () => ended.resolve())
      response.write('without end')
    }
    const sink = {
      path: null,
      write: async (): Promise<void> => {
        throw new BodyTooLong(1)
      },
    }
    const order = { url: `${url}/free`, init: {} }
    const report = await perform(await open(), order, { sink, maxBodyBytes })
    expect(report).toMatchObject({ output: null, error: { code: 'TOO_LONG' } })
    await ended.promise
  })

  test('or does not take it, and it is in the report', async () => {
    const sink = {
      path: null,
      takes: (response: Response): boolean => response.ok,
      write: async (): Promise<void> => undefined,
    }
    answer = (_request, response) => response.writeHead(404).end('nothing here')
    const order = { url: `${url}/free`, init: {} }
    const report = await perform(await open(), order, { sink, maxBodyBytes })
    expect(report).toMatchObject({ body: 'nothing here', exitCode: 22, output: null })
  })

  test('a body that is too long is cut, and the report says so', async () => {
    answer = (_request, response) => response.end('x'.repeat(5000))
    const report = await get(await open(), '/free')
    expect(report.body).toHaveLength(maxBodyBytes)
    expect(report).toMatchObject({ truncated: true, error: null, exitCode: 0 })
  })

  test('what was paid for and did not arrive can be had without paying again', async () => {
    const agent = await open()
    const sink = {
      path: null,
      write: async (): Promise<void> => {
        throw new BodyTooLong(5)
      },
    }
    const order = { url: `${url}/paid`, init: {} }
    const report = callReport.parse(await perform(agent, order, { sink, maxBodyBytes }))
    expect(report).toMatchObject({
      outcome: 'paid_not_delivered',
      exitCode: 6,
      error: { code: 'PAYMENT_NOT_DELIVERED' },
    })
    expect(report.resume).toBe(report.paymentHash)

    const balance = buyer.balanceMsat()
    const resumed = await resumeCall(agent, report.resume ?? '', {}, { maxBodyBytes })
    expect(callReport.parse(resumed)).toMatchObject({
      outcome: 'paid_delivered',
      url: `${url}/paid`,
      body: 'goods',
      exitCode: 0,
    })
    expect(buyer.balanceMsat()).toBe(balance)
  })

  test('what was free and did not fit is no purchase', async () => {
    const sink = {
      path: null,
      write: async (): Promise<void> => {
        throw new BodyTooLong(5, 'Ask for less.')
      },
    }
    const order = { url: `${url}/free`, init: {} }
    expect(await perform(await open(), order, { sink, maxBodyBytes })).toMatchObject({
      outcome: 'not_paid',
      exitCode: 1,
      error: { code: 'TOO_LONG', advice: 'Ask for less.' },
    })
  })
})

describe('R-AGT-22 a price is asked for without paying', () => {
  const ask = async (agent: Agent, path: string): Promise<ReturnType<typeof quoteReport.parse>> =>
    quoteReport.parse(await askPrice(agent, { url: url + path, init: {} }))

  test('of what is free, payable, covered, too expensive', async () => {
    const agent = await open()
    expect(await ask(agent, '/free')).toMatchObject({ quote: 'free', status: 200, exitCode: 0 })
    const payable = await ask(agent, '/paid')
    expect(payable).toMatchObject({
      quote: 'payable',
      status: 402,
      amountMsat: '10000',
      maxFeeMsat: '5000',
      description: 'what is paid for',
      service: 'shop',
      asks: null,
      error: null,
      exitCode: 0,
    })
    expect(payable.payee).toMatch(/^0[23][0-9a-f]{64}$/)
    expect(Date.parse(payable.expiresAt ?? '')).toBeGreaterThan(Date.now())
    expect(await agent.journal?.ledger.list()).toEqual([])

    await get(agent, '/paid')
    expect(await ask(agent, '/paid')).toMatchObject({ quote: 'covered', exitCode: 0 })
    const dear = { url: `${url}/order`, init: { method: 'post', l402: { maxCostMsat: '1 sat' } } }
    expect(quoteReport.parse(await askPrice(agent, dear))).toMatchObject({
      quote: 'refused',
      method: 'POST',
      amountMsat: '10000',
      exitCode: 8,
    })
  })

  test('and it is told whether the operator would be asked', async () => {
    for (const [policy, asks] of [
      ['new_hosts: allow\n', null],
      ['auto_up_to: 15 sat\n', null],
      ['auto_up_to: 14 sat\n', 'amount'],
      ['auto_up_to: 100 sat\nnew_hosts: ask\n', 'new-host'],
      ['new_hosts: ask\nhosts: { allow: ["*.example", 127.0.0.1] }\n', null],
      ['new_hosts: ask\nhosts: { allow: ["127.0.0.1", "127.0.0.1:1"] }\n', null],
    ] as const) {
      writePolicy(policy)
      const agent = await open()
      expect([policy, (await ask(agent, '/paid')).asks]).toEqual([policy, asks])
      await agent.close()
    }
    writePolicy('new_hosts: ask\n')
    const agent = await open()
    const { approvalId } = await get(agent, '/paid')
    await agent.journal?.approvals.decide(approvalId ?? '', 'approved', Date.now() / 1000)
    await get(agent, '/paid')
    const order = { url: `${url}/order`, init: { method: 'POST' } }
    expect(await askPrice(agent, order)).toMatchObject({ quote: 'payable', asks: null })
  })

  test('of a server that is not there', async () => {
    const order = { url: 'http://127.0.0.1:9/x', init: {} }
    expect(quoteReport.parse(await askPrice(await open(), order))).toMatchObject({
      quote: null,
      exitCode: 7,
    })
  })
})

describe('R-AGT-23 R-AGT-15 a payment that nobody knows the end of', () => {
  test('is gone on with once the wallet knows, and is not paid again', async () => {
    const agent = await open()
    buyer.injectFault({ kind: 'in-flight' })
    const unknown = await get(agent, '/paid')
    expect(unknown).toMatchObject({ outcome: 'unknown', exitCode: 5, amountMsat: '10000' })
    expect(unknown.resume).toBe(unknown.paymentHash)
    expect(await get(agent, '/paid')).toMatchObject({ outcome: 'unknown', exitCode: 5 })
    const hash = unknown.resume ?? ''
    expect(await resumeCall(agent, hash, {}, { maxBodyBytes })).toMatchObject({ exitCode: 5 })

    buyer.resolvePayment(hashOf(hash), 'settle')
    const resumed = callReport.parse(await resumeCall(agent, hash, {}, { maxBodyBytes }))
    expect(resumed).toMatchObject({ outcome: 'paid_delivered', body: 'goods', exitCode: 0 })
    expect(await agent.journal?.ledger.list()).toHaveLength(1)
  })

  test('is found in the background, within 5 s of the wallet knowing', async () => {
    const agent = await open()
    buyer.injectFault({ kind: 'in-flight' })
    const { resume } = await get(agent, '/paid')
    agent.keepReconciling()
    buyer.resolvePayment(hashOf(resume ?? ''), 'settle')
    const stateOf = async (): Promise<string | undefined> =>
      (await agent.journal?.ledger.find(resume ?? ''))?.state
    await expect.poll(stateOf, { timeout: 30_000 }).toBe('settled')
  })

  test('keeps nobody from closing, when the wallet hangs', async () => {
    let asked = Promise.withResolvers<void>()
    const hanging = createServer((request) => {
      if (request.method === 'POST') request.socket.destroy()
      else asked.resolve()
    })
    await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve))
    closers.push(() => {
      hanging.closeAllConnections()
      hanging.close()
    })
    const { port } = hanging.address() as AddressInfo
    const place = `http://127.0.0.1:${port}/pay?network=regtest&lookup=/payments/{hash}`
    const agent = await open({ wallet: place, paymentTimeoutMs: 50 })
    expect(await get(agent, '/paid')).toMatchObject({ outcome: 'unknown' })
    await agent.close()

    asked = Promise.withResolvers()
    const next = await open({ wallet: place })
    next.keepReconciling()
    await asked.promise
    const begun = performance.now()
    await next.close()
    // To wait for the look-up would take 15 s.
    expect(performance.now() - begun).toBeLessThan(12_000)
    const after = await open()
    expect(await after.journal?.ledger.unfinished()).toHaveLength(1)
  })

  test('a hash that nobody knows is told, and a body that is missing or too much', async () => {
    const agent = await open()
    const resume = async (hash: string, init: RequestInit): Promise<unknown> =>
      callReport.parse(await resumeCall(agent, hash, init, { maxBodyBytes }))
    const usage = { exitCode: 2, error: { code: 'USAGE' } }
    expect(await resume('ab'.repeat(32), {})).toMatchObject({
      ...usage,
      outcome: 'not_paid',
      error: { code: 'USAGE', message: 'No payment of this hash.' },
    })

    const unknownOf = async (order: { url: string; init: RequestInit }): Promise<string> => {
      buyer.injectFault({ kind: 'in-flight' })
      return (await perform(agent, order, { maxBodyBytes })).resume ?? ''
    }
    const order = { url: `${url}/order`, init: { method: 'POST', body: 'one' } }
    const posted = await unknownOf(order)
    const got = await unknownOf({ url: `${url}/paid`, init: {} })
    expect(await resume(posted, {})).toMatchObject(usage)
    expect(await resume(posted, { method: 'PUT', body: 'one' })).toMatchObject(usage)
    expect(await resume(got, { body: 'one' })).toMatchObject(usage)
    expect(await resume(posted, { body: 'one' })).toMatchObject({ exitCode: 5 })
  })
})

describe('R-AGT-14 a journal that cannot be used', () => {
  test('stops payments and says why, and what is free goes on', async () => {
    const before = await open()
    await get(before, '/paid')
    await before.close()
    writeFileSync(join(folder, 'journal.db'), 'no journal at all', { mode: 0o600 })

    const agent = await open()
    expect(await get(agent, '/free')).toMatchObject({ body: 'goods', exitCode: 0 })
    const balance = buyer.balanceMsat()
    const refused = await get(agent, '/paid')
    expect(refused).toMatchObject({
      exitCode: 1,
      amountMsat: '10000',
      error: { code: 'JOURNAL_UNUSABLE' },
    })
    expect(refused.error?.advice).toMatch(/^Nothing was paid\. [A-Z]/)
    expect(buyer.balanceMsat()).toBe(balance)
    await expect(readSpending(agent)).rejects.toMatchObject({ code: 'JOURNAL_UNUSABLE' })
  })
})

test('R-AGT-9 a wallet that cannot be opened leaves no journal open', async () => {
  await expect(open({ wallet: 'lnd' })).rejects.toThrow('--wallet')
  const files = readdirSync(folder)
  expect(files).toContain('journal.db')
  // SQLite deletes its log when the last one closes the file.
  expect(files).not.toContain('journal.db-wal')
})

test('R-AGT-14 a home that cannot be made stops payments, and what is free goes on', async () => {
  writeFileSync(join(folder, 'file'), '')
  const agent = await open({ home: join(folder, 'file', 'home') })
  expect(await get(agent, '/free')).toMatchObject({ body: 'goods', exitCode: 0 })
  const refused = await get(agent, '/paid')
  expect(refused).toMatchObject({ exitCode: 1, error: { code: 'STORE_UNAVAILABLE' } })
  expect(refused.error?.advice).toContain('SATWAY_HOME names another folder.')
})

describe('R-AGT-13 the policy is asked at every payment', () => {
  test('and while it is broken nothing is paid, and what is free or bought goes on', async () => {
    const agent = await open()
    await get(agent, '/paid')
    writePolicy('oops: 1\n')
    await expect.poll(() => agent.policy.view().file, { timeout: 20_000 }).not.toBeNull()
    await expect.poll(() => agent.policy.view().mistakes[0]?.path, { timeout: 20_000 }).toBe('oops')
    expect(await get(agent, '/free')).toMatchObject({ exitCode: 0 })
    expect(await get(agent, '/paid')).toMatchObject({ outcome: 'not_paid', exitCode: 0 })
    const order = { url: `${url}/order`, init: { method: 'POST' } }
    const refused = await perform(agent, order, { maxBodyBytes })
    expect(refused).toMatchObject({ exitCode: 3, error: { reason: 'policy' } })
    expect(refused.error?.advice).toContain('oops')
  })

  test('and arguments tighten it', async () => {
    const agent = await open({ narrowing: { perPaymentMsat: satToMsat(5n) } })
    expect(await get(agent, '/paid')).toMatchObject({
      exitCode: 8,
      error: { reason: 'per-payment' },
    })
  })
})

describe('R-POL-13 what was spent', () => {
  test('with its fees, in each window, by host', async () => {
    const agent = await open()
    expect(spendingView.parse(await readSpending(agent))).toMatchObject({
      total: { limitMsat: '100000000', spentMsat: '0' },
      payments: { settled: 0, unknown: 0, failed: 0 },
      byHost: [],
    })
    await get(agent, '/paid')
    buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    await perform(agent, { url: `${url}/order`, init: { method: 'POST' } }, { maxBodyBytes })
    const { hour, day, heldMsat, payments, byHost } = spendingView.parse(await readSpending(agent))
    expect(hour).toEqual({ limitMsat: '5000000', spentMsat: '11001' })
    expect(day.spentMsat).toBe('11001')
    expect(heldMsat).toBe('0')
    expect(payments).toEqual({ settled: 1, unknown: 0, failed: 1 })
    expect(byHost).toEqual([{ host: '127.0.0.1', spentMsat: '11001' }])
  })
})

describe('R-AGT-16 a spender who has a token and no money', () => {
  const delegated = async (...caveats: readonly string[]): Promise<string> => {
    const owner = await open()
    await get(owner, '/paid')
    const [token] = (await owner.journal?.tokens.list()) ?? []
    if (token === undefined) throw new Error('expected a token')
    return `${url} ${delegate(token, 'method=GET', ...caveats)}`
  }

  test('uses it, and pays nothing', async () => {
    const agent = await open({ credential: await delegated() })
    expect(agent).toMatchObject({ journal: undefined, payer: undefined, walletKind: 'none' })
    const balance = buyer.balanceMsat()
    expect(await get(agent, '/paid')).toMatchObject({ outcome: 'not_paid', body: 'goods' })
    expect(await get(agent, '/free')).toMatchObject({ body: 'goods' })
    const order = { url: `${url}/order`, init: { method: 'POST' } }
    expect(await perform(agent, order, { maxBodyBytes })).toMatchObject({
      exitCode: 3,
      error: { reason: 'no-payer' },
    })
    expect(buyer.balanceMsat()).toBe(balance)
    expect(agent.policy.view()).toMatchObject({ perPaymentMsat: '0', totalMsat: '0' })
    expect(await readSpending(agent)).toMatchObject({ total: { limitMsat: '0', spentMsat: '0' } })
  })

  describe('R-AGT-28 is told what is wrong with the token, and of no wallet', () => {
    const advice = 'Nothing was paid. Ask whoever gave you the token.'

    test('where it does not cover the request, with what the server said', async () => {
      const agent = await open({ credential: await delegated() })
      const order = { url: `${url}/order`, init: { method: 'POST' } }
      const report = await perform(agent, order, { maxBodyBytes })
      expect(report).toMatchObject({ outcome: 'refused', exitCode: 3, error: { advice } })
      expect(report.error?.message).toMatch(
        /^What was delegated does not cover this, or is used up\. The server answered 40[23] [A-Z_]+\.$/,
      )
      const quote = await askPrice(agent, order)
      expect(quote).toMatchObject({ quote: 'refused', exitCode: 3, error: { advice } })
      expect(quote.error?.message).toContain('does not cover this, or is used up')
    })

    test('where it is used up', async () => {
      const agent = await open({ credential: await delegated('request_count <= 1') })
      expect(await get(agent, '/paid')).toMatchObject({ body: 'goods' })
      const report = await get(agent, '/paid')
      expect(report).toMatchObject({ exitCode: 3, error: { advice } })
      expect(report.error?.message).toContain('does not cover this, or is used up')
    })

    test('where the server answers with a bare status', async () => {
      answer = (_request, response) => {
        response.statusCode = 403
        response.end('no')
      }
      const agent = await open({ credential: await delegated() })
      const report = await get(agent, '/free')
      expect(report).toMatchObject({ status: 403, exitCode: 3, error: { code: 'HTTP_STATUS' } })
      expect(report.error?.message).toContain('The server answered 403.')
    })

    test('where it is for another server', async () => {
      const given = (await delegated()).replace(url, 'https://shop.example')
      const agent = await open({ credential: given })
      const { exitCode, error } = await get(agent, '/paid')
      expect(exitCode).toBe(3)
      expect(error?.message).toBe(
        `What was delegated is for https://shop.example, and not for ${url}, which wants to be paid.`,
      )
    })
  })

  for (const [what, text] of [
    ['nothing', ''],
    ['no origin', 'L402 AGIAJEemVQUT:hunter2'],
    ['a path', 'https://a.example/x L402 hunter2:hunter2'],
    ['no credential', 'https://a.example Bearer hunter2'],
    ['half a credential', 'https://a.example L402 hunter2'],
    ['too much', `https://a.example L402 ${'hunter2'.repeat(20_000)}`],
  ] as const) {
    test(`is refused with ${what}, in words that repeat none of it`, async () => {
      const failed = await open({ credential: text }).catch((error: unknown) => error)
      expect(String(failed)).toMatch(/The credential cannot be used: .*\./)
      expect(String(failed)).not.toContain('hunter2')
      expect(failed).toMatchObject({ exitCode: 2 })
    })
  }
})

test('R-AGT-26 whoever watches is told each step, and no secret', async () => {
  const steps: Step[] = []
  writePolicy('auto_up_to: 1 sat\n')
  const agent = await open({ watch: (step) => steps.push(step) })
  const { approvalId } = await get(agent, '/paid?key=hunter2')
  await agent.journal?.approvals.decide(approvalId ?? '', 'approved', Date.now() / 1000)
  await get(agent, '/paid?key=hunter2')
  const bare = ['request', 'price', 'answer']
  expect(steps.map(({ kind }) => kind)).toEqual([
    ...[...bare, 'asking', 'answered'],
    ...[...bare, 'asking', 'answered', 'paying', 'payment', 'request', 'answer'],
  ])
  expect(steps).toContainEqual({ kind: 'answered', answer: 'pending' })
  expect(steps).toContainEqual({ kind: 'answered', answer: 'yes' })
  expect(steps).toContainEqual({ kind: 'payment', status: 'settled' })
  expect(steps.at(-2)).toEqual({
    kind: 'request',
    method: 'GET',
    url: `${url}/paid`,
    credential: true,
  })
  expect(JSON.stringify(steps)).not.toContain('hunter2')
})

function hashOf(hex: string): PaymentHash {
  return paymentHash(decodeHex(hex))
}

describe('R-POL-15 a policy that was in force and is gone', () => {
  test('stops payments in the next process, until there is one again', async () => {
    const policy = join(folder, 'policy.yaml')
    const strict = 'version: 1\nper_payment: 1 sat\ntotal: 1 sat\n'
    writeFileSync(policy, strict, { mode: 0o600 })
    await (await open()).close()
    rmSync(policy)
    const without = await open()
    const report = await perform(without, { url: `${url}/paid`, init: {} }, { maxBodyBytes: 100 })
    expect(report).toMatchObject({ outcome: 'refused', error: { reason: 'policy' } })
    expect(report.error?.advice).toContain('satway policy init')
    expect(await readSpending(without)).toMatchObject({ inForce: false, hour: { limitMsat: null } })
    await without.close()

    writeFileSync(policy, strict, { mode: 0o600 })
    const again = await open()
    expect(again.policy.view()).toMatchObject({ inForce: true, perPaymentMsat: '1000' })
    expect(await readSpending(again)).toMatchObject({ inForce: true })
  })

  test('is remembered by whoever sees it come while running', async () => {
    const policy = join(folder, 'policy.yaml')
    const agent = await open()
    writeFileSync(policy, 'version: 1\nper_payment: 50 sat\ntotal: 50 sat\n', { mode: 0o600 })
    await perform(agent, { url: `${url}/paid`, init: {} }, { maxBodyBytes: 100 })
    await agent.close()
    rmSync(policy)
    expect((await open()).policy.view().inForce).toBe(false)
  })
})
