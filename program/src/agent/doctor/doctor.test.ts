import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { msat, satToMsat } from 'satway'
import type { Journal } from 'satway/journal'
import { openJournal } from 'satway/journal'
import { createDevnet, serveWallet } from 'satway/lightning/devnet'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openScreen } from '../../cli/screen.ts'
import type { DoctorCheck, DoctorReport } from '../../schema/index.ts'
import { doctorReport } from '../../schema/index.ts'
import { examine } from './examine.ts'
import { checkClock, checkDisk, checkNode } from './machine-checks.ts'
import { renderReport } from './run-doctor.ts'

let folder: string
let environment: Record<string, string>
const closers: (() => unknown)[] = []

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'satway-doctor-')), 'home')
  environment = { SATWAY_HOME: folder, HOME: join(folder, '..') }
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  rmSync(join(folder, '..'), { recursive: true, force: true })
})

const inHome = (name: string): string => join(folder, name)
function write(name: string, text: string, mode = 0o600): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(inHome(name), text, { mode })
  chmodSync(inHome(name), mode)
}
async function look(): Promise<DoctorReport> {
  return doctorReport.parse(await examine(environment))
}
async function checkOf(name: string): Promise<DoctorCheck | undefined> {
  return (await look()).checks.find((check) => check.name === name)
}
async function startDevnetWallet(): Promise<string> {
  const node = createDevnet().addNode('buyer', { balanceMsat: satToMsat(1000n) })
  const file = join(folder, '..', 'wallet.json')
  const server = await serveWallet(node, { file })
  closers.push(() => server.close())
  return `devnet:${file}`
}
/** A wallet over HTTP that pays nothing, and knows no payment. */
async function startHttpWallet(clockOff = 0): Promise<string> {
  const server: Server = createServer((request, response) => {
    response.sendDate = false
    response.setHeader('date', new Date(Date.now() + clockOff * 1000).toUTCString())
    if (request.url?.startsWith('/guarded/') === true) {
      response.writeHead(401).end('{}')
      return
    }
    const hash = /^\/payments\/(\w+)$/.exec(request.url ?? '')?.[1]
    if (hash === undefined) response.writeHead(405).end()
    else response.writeHead(404).end(JSON.stringify({ paymentHash: hash, status: 'not-found' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/payinvoice`
}

/** Begins a payment that gets no end. */
async function holdPayment({ ledger }: Journal, atSeconds: number): Promise<void> {
  const intent = {
    paymentHash: 'cd'.repeat(32),
    origin: 'https://api.example.com',
    host: 'api.example.com',
    method: 'GET',
    url: 'https://api.example.com/x',
    target: 'GET /x',
    coverage: undefined,
    hasBody: false,
    scheme: 'L402',
    token: 'dG9rZW4=',
    invoice: 'lnbc1',
    amountMsat: satToMsat(70n),
    maxFeeMsat: satToMsat(5n),
    enforces: [],
    decidedBy: 'policy',
    createdAtSeconds: atSeconds,
    leaseUntilSeconds: atSeconds,
    walletId: undefined,
    orderLagSeconds: undefined,
  } as const
  const limits = {
    maxTotalMsat: satToMsat(1000n),
    perHourMsat: undefined,
    perDayMsat: undefined,
    perHostMsat: undefined,
  }
  const begun = await ledger.begin(intent, limits)
  expect(begun.status).toBe('begun')
}

describe('R-AGT-40 satway doctor', () => {
  test('looks at an empty home, changes nothing and finds nothing to mend', async () => {
    const report = await look()
    expect(report.ok).toBe(true)
    expect(report.checks.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['node', 'ok'],
      ['wallet', 'warning'],
      ['network', 'skipped'],
      ['policy', 'ok'],
      ['policy owner', 'skipped'],
      ['settings', 'ok'],
      ['journal', 'skipped'],
      ['files', 'skipped'],
      ['clock', 'ok'],
      ['disk', 'ok'],
    ])
    expect(() => readdirSync(folder)).toThrow(/ENOENT/)
  })

  test('finds everything of a spender in order', async () => {
    write('config.yaml', `wallet: ${await startDevnetWallet()}\nkey: file\n`)
    write('policy.yaml', 'version: 1\nper_payment: 5 sat\ntotal: 9 sat\nnetworks: [regtest]\n')
    const journal = await openJournal({ path: inHome('journal.db'), key: 'file' })
    await journal.close()
    const report = await look()
    expect(report.checks.filter(({ verdict }) => verdict !== 'ok')).toEqual([])
    const said = Object.fromEntries(report.checks.map(({ name, message }) => [name, message]))
    expect(said['wallet']).toBe('devnet, named by config.yaml; it answers')
    expect(said['money']).toBe('no real money: regtest')
    expect(said['network']).toBe('regtest')
    expect(said['policy']).toBe(`${inHome('policy.yaml')}: 5 sat a payment, 9 sat in all`)
    expect(said['key']).toContain('journal.key')
    expect(said['journal']).toBe('sound; 0 payments')
    expect(said['unfinished']).toBe('every payment has ended')
    expect(said['receipts']).toBe('0 lines, 0 of 0 settled payments proven')
  })
})

describe('R-AGT-41 the wallet', () => {
  for (const [what, options, verdict, message] of [
    [
      'answers and can be asked about payments',
      '?network=regtest&lookup=/payments/{hash}',
      'ok',
      /it answers$/,
    ],
    [
      'cannot be asked about payments',
      '?network=regtest',
      'warning',
      /cannot be asked about payments/,
    ],
    [
      'is asked in the wrong place',
      '?network=regtest&lookup=/elsewhere/{hash}',
      'warning',
      /not about payments: .*405/,
    ],
  ] as const) {
    test(what, async () => {
      environment['SATWAY_WALLET'] = (await startHttpWallet()) + options
      const check = await checkOf('wallet')
      expect(check?.verdict).toBe(verdict)
      expect(check?.message).toMatch(message)
      if (verdict !== 'ok') expect(check?.advice).toContain('lookup=')
    })
  }

  test('that refuses its token has to be mended', async () => {
    environment['SATWAY_WALLET'] = `${await startHttpWallet()}?lookup=/guarded/{hash}`
    expect(await checkOf('wallet')).toMatchObject({
      verdict: 'failure',
      message: expect.stringContaining('it refuses us'),
    })
  })

  test('that is not there has to be mended', async () => {
    environment['SATWAY_WALLET'] = 'http://127.0.0.1:9/payinvoice?network=regtest'
    const report = await look()
    expect(report.ok).toBe(false)
    expect(await checkOf('wallet')).toMatchObject({
      verdict: 'failure',
      message: expect.stringContaining('it cannot be reached'),
    })
  })

  test('that is named wrongly has to be mended, and the rest is looked at all the same', async () => {
    environment['SATWAY_WALLET'] = 'lnd'
    const report = await look()
    expect(report.ok).toBe(false)
    expect(report.checks.find(({ name }) => name === 'wallet')).toMatchObject({
      verdict: 'failure',
      message: expect.stringContaining('SATWAY_WALLET: expected a wallet URI: lnd://'),
    })
    expect(report.checks.at(-1)?.name).toBe('disk')
  })

  test('on a network that the policy does not allow has to be mended', async () => {
    environment['SATWAY_WALLET'] = await startDevnetWallet()
    write('policy.yaml', 'version: 1\nper_payment: 5 sat\ntotal: 9 sat\nnetworks: [bitcoin]\n')
    expect(await checkOf('network')).toMatchObject({
      verdict: 'failure',
      message: 'the wallet pays on regtest, and the policy allows bitcoin',
    })
  })

  test('with real money wants limits of the operator’s own', async () => {
    environment['SATWAY_WALLET'] = await startHttpWallet()
    expect(await checkOf('money')).toMatchObject({ verdict: 'ok', message: 'real money' })
    expect(await checkOf('policy')).toMatchObject({
      verdict: 'warning',
      advice: expect.stringContaining('satway policy init'),
    })
    write('policy.yaml', 'version: 1\nper_payment: 5 sat\ntotal: 9 sat\n')
    expect(await checkOf('policy')).toMatchObject({ verdict: 'ok' })
    expect(await checkOf('policy owner')).toMatchObject({
      verdict: 'warning',
      advice: expect.stringContaining('SATWAY_POLICY'),
    })
  })

  test('whose token is seen by other programs is to be looked at', async () => {
    const url = await startHttpWallet()
    environment['SATWAY_TOKEN'] = 'hunter2'
    environment['SATWAY_WALLET'] = `${url}?token=env:SATWAY_TOKEN`
    const report = await look()
    expect(report.checks.find(({ name }) => name === 'credential')).toMatchObject({
      verdict: 'warning',
      message: expect.stringContaining('the variable SATWAY_TOKEN'),
    })
    expect(report.checks.find(({ name }) => name === 'privilege')).toMatchObject({
      verdict: 'ok',
      message: expect.stringMatching(/^nobody can tell from here\. Use a token that pays/),
    })
    expect(JSON.stringify(report)).not.toContain('hunter2')
    write('wallet.token', 'hunter2')
    environment['SATWAY_WALLET'] = `${url}?token=file:${inHome('wallet.token')}`
    expect(await checkOf('credential')).toMatchObject({ verdict: 'ok' })
    chmodSync(inHome('wallet.token'), 0o644)
    expect(await checkOf('wallet')).toMatchObject({
      verdict: 'failure',
      advice: expect.stringContaining('chmod 600'),
    })
  })
})

describe('R-AGT-42 the clock', () => {
  const now = Date.UTC(2027, 0, 1) / 1000
  const steady = { walletSeconds: undefined, journalSeconds: undefined, jumpSeconds: 0 }
  for (const [what, at, clocks, verdict, message] of [
    ['by itself', now, {}, 'ok', /goes evenly/],
    ['like the wallet’s', now, { walletSeconds: now - 2 }, 'ok', /by 2 s$/],
    ['a minute off', now, { walletSeconds: now + 60 }, 'warning', /by 60 s$/],
    ['hours off', now, { walletSeconds: now - 7200 }, 'failure', /by 2 h$/],
    ['after what the journal has seen', now, { journalSeconds: now - 1 }, 'ok', /evenly/],
    [
      'before what the journal has seen',
      now,
      { journalSeconds: now + 600 },
      'failure',
      /is 10 min behind/,
    ],
    ['set meanwhile', now, { jumpSeconds: -5 }, 'warning', /was set by 5 s/],
    ['at the beginning', 0, {}, 'failure', /years ago/],
  ] as const) {
    test(what, () => {
      const check = checkClock(at, { ...steady, ...clocks })
      expect(check.verdict).toBe(verdict)
      expect(check.message).toMatch(message)
    })
  }

  test('is compared with the wallet’s where that tells the time', async () => {
    environment['SATWAY_WALLET'] = await startHttpWallet(-86_400)
    expect(await checkOf('clock')).toMatchObject({ verdict: 'failure', message: /by 24 h$/ })
  })
})

describe('R-AGT-43 the files', () => {
  for (const [name, mode, verdict] of [
    ['journal.key', 0o640, 'failure'],
    ['journal.db', 0o604, 'failure'],
    ['mcp.token', 0o644, 'failure'],
    ['wallet-token', 0o644, 'failure'],
    ['devnet.json', 0o644, 'failure'],
    ['receipts.jsonl', 0o644, 'ok'],
    ['receipts.jsonl', 0o620, 'failure'],
    ['receipts.21-2.jsonl', 0o620, 'failure'],
    ['config.yaml', 0o644, 'ok'],
    ['config.yaml', 0o666, 'failure'],
    ['policy.yaml', 0o602, 'failure'],
    ['notes.txt', 0o666, 'ok'],
  ] as const) {
    test(`${name} with mode ${mode.toString(8)}: ${verdict}`, async () => {
      write(name, '', mode)
      const check = await checkOf('files')
      expect(check?.verdict).toBe(verdict)
      if (verdict === 'failure') expect(check?.advice).toContain(`chmod `)
      if (verdict === 'failure') expect(check?.advice).toContain(inHome(name))
    })
  }

  for (const [mode, verdict] of [
    [0o755, 'warning'],
    [0o777, 'failure'],
  ] as const) {
    test(`a home with mode ${mode.toString(8)}: ${verdict}`, async () => {
      mkdirSync(folder)
      chmodSync(folder, mode)
      expect(await checkOf('files')).toMatchObject({ verdict, advice: `chmod 700 ${folder}` })
    })
  }
})

describe('R-AGT-44 policy and settings', () => {
  test('with mistakes have to be mended, and each is named', async () => {
    write('policy.yaml', 'version: 1\nper_payment: 5\ntotl: 9 sat\n')
    write('config.yaml', 'walet: none\n')
    const report = await look()
    expect(report.ok).toBe(false)
    const said = Object.fromEntries(report.checks.map((check) => [check.name, check]))
    expect(said['policy']).toMatchObject({
      verdict: 'failure',
      message: /per_payment 2:14 .*totl 3:1/,
    })
    expect(said['settings']).toMatchObject({ verdict: 'failure', message: /did you mean wallet\?/ })
    expect(said['wallet']).toBeUndefined()
  })
})

describe('R-AGT-45 the journal', () => {
  test('that is damaged or foreign has to be mended, and is left as it is', async () => {
    write(
      'journal.db',
      'this is no database, and it is long enough to be one by its size'.repeat(99),
    )
    expect(await checkOf('journal')).toMatchObject({
      verdict: 'failure',
      advice: expect.stringContaining('Keep the file'),
    })
    expect(readdirSync(folder)).toEqual(['journal.db'])
  })

  test('sealed with a key that is gone has to be mended', async () => {
    const journal = await openJournal({ path: inHome('journal.db'), key: 'file' })
    await journal.close()
    rmSync(inHome('journal.key'))
    const check = await checkOf('journal')
    expect(check?.verdict).toBe('failure')
    expect(check?.advice).toMatch(/\w+/)
    expect(readdirSync(folder)).not.toContain('journal.key')
  })

  test('that is older than its receipts has to be mended', async () => {
    const path = inHome('journal.db')
    const journal = await openJournal({ path, key: 'file' })
    await journal.close()
    const old = readFileSync(path)
    const next = await openJournal({ path, key: 'file' })
    await holdPayment(next, 0)
    await next.close()
    writeFileSync(path, old)
    expect(await checkOf('journal')).toMatchObject({
      verdict: 'failure',
      advice: expect.stringContaining('put the newer journal back'),
    })
  })

  test('a settlement in a file that cannot be read has to be looked at', async () => {
    const journal = await openJournal({ path: inHome('journal.db'), key: 'file' })
    await journal.close()
    expect(await checkOf('salvage')).toBeUndefined()
    const name = `journal.db.salvage-${'0'.repeat(16)}`
    write(name, 'damaged')
    expect(await checkOf('salvage')).toMatchObject({
      verdict: 'failure',
      message: expect.stringContaining(name),
    })
    expect(readFileSync(inHome(name), 'utf8')).toBe('damaged')
    write(name, 'damaged', 0o644)
    expect((await checkOf('files'))?.verdict).toBe('failure')
  })

  for (const [what, lookup, age, advised] of [
    ['a day ago, of a wallet that cannot be asked', '', 90_000, true],
    ['just now', '', 60, false],
    ['of a wallet that can be asked', '&lookup=/payments/{hash}', 90_000, false],
  ] as const) {
    test(`a payment without an end is named; how to release it, ${what}: ${advised}`, async () => {
      environment['SATWAY_WALLET'] = `${await startHttpWallet()}?network=regtest${lookup}`
      const journal = await openJournal({ path: inHome('journal.db'), key: 'file' })
      await holdPayment(journal, Date.now() / 1000 - age)
      await journal.close()
      const check = await checkOf('unfinished')
      expect(check).toMatchObject({
        verdict: 'warning',
        message: expect.stringContaining('at api.example.com'),
      })
      const command = `satway tokens abandon ${'cd'.repeat(32)} --release`
      expect(check?.advice?.includes(command)).toBe(advised)
    })
  }
})

test('R-AGT-45 purchases that were paid for and not delivered are named', async () => {
  const journal = await openJournal({ path: inHome('journal.db'), key: 'file' })
  await journal.tokens.put({
    id: 'ab'.repeat(16),
    origin: 'https://api.example.com',
    scheme: 'L402',
    token: 'AgEE',
    paymentHash: 'cd'.repeat(32),
    preimage: 'ef'.repeat(32),
    amountMsat: msat(1000n),
    feeMsat: msat(0n),
    target: 'GET /data',
    boughtAtSeconds: Date.now() / 1000,
    facts: undefined,
    enforces: [],
    standing: 'owed',
    usesSeen: 0,
    servedRoutes: [],
    refusedTargets: [],
  })
  await journal.close()
  const check = await checkOf('undelivered')
  expect(check).toMatchObject({
    verdict: 'warning',
    message: '1 purchase paid for and not delivered: cdcdcdcdcdcd… at api.example.com',
  })
  expect(check?.advice).toContain('satway resume')
})

describe('R-AGT-46 the machine', () => {
  for (const [version, verdict] of [
    ['24.11.0', 'ok'],
    ['26.0.1', 'ok'],
    ['24.10.9', 'failure'],
    ['22.20.0', 'failure'],
  ] as const) {
    test(`Node ${version}: ${verdict}`, () => {
      expect(checkNode(version).verdict).toBe(verdict)
    })
  }

  test('the disk of a home that is not there yet is that of its parent', () => {
    expect(checkDisk(join(folder, 'x', 'y')).message).toMatch(/^\d+ MiB free for /)
  })
})

test('R-AGT-40 people see one line a check, aligned, and what to do below it', () => {
  const screen = { ...openScreen(process.stdout), width: 60 }
  const checks: readonly DoctorCheck[] = [
    { name: 'node', verdict: 'ok', message: 'version 24', advice: null },
    { name: 'policy owner', verdict: 'failure', message: 'bad', advice: 'Mend it.' },
    { name: 'x', verdict: 'skipped', message: 'nothing', advice: null },
  ]
  const text = renderReport(screen, { ok: false, checks: [...checks] })
  expect(text.replace(/\u001b\[\d+m/g, '')).toBe(
    [
      'ok       node          version 24',
      'failure  policy owner  bad',
      '                       Mend it.',
      '-        x             nothing',
      '',
      '1 to mend, 0 to look at.',
      '',
    ].join('\n'),
  )
})
