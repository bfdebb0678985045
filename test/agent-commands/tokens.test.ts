import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { satToMsat } from '../../library/src/amount/index.ts'
import type { PaymentIntent } from '../../library/src/client/index.ts'
import { runApprovalsList, runApprove, runDeny } from '../../program/src/approvals/index.ts'
import {
  approvalsApprove,
  approvalsDeny,
  approvalsList,
} from '../../program/src/cli/approvals-commands.ts'
import type { Command, Given } from '../../program/src/cli/command.ts'
import {
  receiptsExport,
  receiptsList,
  receiptsVerify,
} from '../../program/src/cli/receipts-commands.ts'
import { columns } from '../../program/src/cli/screen.ts'
import { tokensAbandon, tokensList, tokensShow } from '../../program/src/cli/tokens-commands.ts'
import type { Desk } from '../../program/src/desk/index.ts'
import {
  runReceiptsExport,
  runReceiptsList,
  runReceiptsVerify,
} from '../../program/src/receipts/index.ts'
import { tokenView } from '../../program/src/schema/index.ts'
import {
  readOrigin,
  runTokensAbandon,
  runTokensList,
  runTokensShow,
} from '../../program/src/tokens/index.ts'
import type { DeskOptions, Ended } from './desk.ts'
import { runAt } from './desk.ts'
import { makeHome, openSpender } from './spender.ts'

type Run = (given: Given, desk: Desk) => Promise<number>

function list(home: string, args: readonly string[] = [], options?: DeskOptions): Promise<Ended> {
  return runAt(home, tokensList, runTokensList, args, options)
}

function show(home: string, args: readonly string[], options?: DeskOptions): Promise<Ended> {
  return runAt(home, tokensShow, runTokensShow, args, options)
}

function abandon(home: string, args: readonly string[], options?: DeskOptions): Promise<Ended> {
  return runAt(home, tokensAbandon, runTokensAbandon, args, options)
}

/** A payment that was ordered and has no end. */
function openIntent(nowSeconds: number): PaymentIntent {
  return {
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
    createdAtSeconds: nowSeconds,
    leaseUntilSeconds: nowSeconds,
    walletId: undefined,
    orderLagSeconds: undefined,
  }
}

const noLimits = {
  maxTotalMsat: satToMsat(1_000_000n),
  perHourMsat: undefined,
  perDayMsat: undefined,
  perHostMsat: undefined,
}

describe('R-CLI-1 a list is a table for people, and JSON for programs', () => {
  test('a pipe gets one JSON document, as --json asks for', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather', '/report/1')
    const piped = await list(home)
    const asked = await list(home, ['--json'], { terminal: 80 })
    expect(JSON.parse(piped.stdout)).toEqual(JSON.parse(asked.stdout))
    const tokens = tokenView.array().parse(JSON.parse(piped.stdout))
    expect(tokens.map(({ target, uses }) => [target, uses])).toEqual([
      ['GET /report/1', null],
      ['GET /weather', null],
    ])
  })

  test('--ndjson writes one line for each', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather', '/report/1')
    const lines = (await list(home, ['--ndjson'])).stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    for (const line of lines) tokenView.parse(JSON.parse(line))
  })

  test('a terminal of 80 columns gets lines that fit, and times by distance', async () => {
    const { home, buy, shop } = await openSpender()
    await buy('/weather', `/report/${'long'.repeat(30)}`)
    const { stdout } = await list(home, [], { terminal: 80 })
    expect(stdout).toContain(shop.url)
    expect(stdout).toMatch(/TOKEN +WHAT +STANDING +BOUGHT +ENDS +LEFT +PRICE/)
    expect(stdout).toMatch(/GET \/weather +good +(?:now|\d+ s ago) +in \d+ \w+ +any +10 sat/)
    for (const line of stdout.split('\n')) expect(columns(line)).toBeLessThanOrEqual(80)
  })

  test('--limit takes the latest, and a table says that there are more', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather', '/report/1')
    const { stdout } = await list(home, ['--limit', '1'], { terminal: 80 })
    expect(stdout).toContain('/report/1')
    expect(stdout).not.toContain('/weather')
    expect(stdout).toContain('Older ones are not shown')
    expect(JSON.parse((await list(home, ['--limit', '1'])).stdout)).toHaveLength(1)
    expect((await list(home, ['--limit', '2'], { terminal: 80 })).stdout).not.toContain('Older')
  })

  for (const args of [
    ['--limit', '0'],
    ['--limit', '-1'],
    ['--limit', '1.5'],
    ['--limit', 'all'],
    ['--json', '--ndjson'],
    ['--origin', 'ftp://x'],
    ['--origin', ''],
  ]) {
    test(`${args.join(' ')} is a mistake`, async () => {
      expect((await list(makeHome(), args)).code).toBe(2)
    })
  }
})

describe('R-CLI-2 looking makes nothing', () => {
  const looking: readonly (readonly [Command, Run, readonly string[], number, RegExp])[] = [
    [tokensList, runTokensList, [], 0, /^No tokens that open something now\.\n$/],
    [tokensList, runTokensList, ['--all'], 0, /^No tokens\.\n$/],
    [tokensShow, runTokensShow, ['ab'.repeat(4)], 1, /^$/],
    [receiptsList, runReceiptsList, [], 0, /^No receipts\.\n$/],
    [receiptsVerify, runReceiptsVerify, [], 0, /In order.* 0 lines/],
    [receiptsExport, runReceiptsExport, [], 1, /^$/],
    [approvalsList, runApprovalsList, [], 0, /^Nothing waits for an answer\.\n$/],
    [approvalsDeny, runDeny, ['k7m2p9xq'], 1, /^$/],
  ]
  for (const [command, run, args, code, words] of looking) {
    test(`${command.name} ${args.join(' ')} before anything was bought`, async () => {
      const home = makeHome()
      const before = readdirSync(home)
      const ended = await runAt(home, command, run, args, { terminal: 80 })
      expect([ended.code, readdirSync(home)]).toEqual([code, before])
      expect(ended.stdout).toMatch(words)
    })
  }

  test('a journal that cannot be used is said, and left as it is', async () => {
    const home = makeHome()
    const file = join(home, 'journal.db')
    writeFileSync(file, 'not a journal', { mode: 0o600 })
    for (const run of [
      list(home),
      show(home, ['deadbeef']),
      abandon(home, ['deadbeef', '--yes']),
    ]) {
      await expect(run).rejects.toMatchObject({ code: 'JOURNAL_UNUSABLE' })
    }
    expect(readFileSync(file, 'utf8')).toBe('not a journal')
  })

  test('nor does it make the home', async () => {
    const home = `${makeHome()}/none`
    expect((await list(home)).stdout).toBe('[]\n')
    expect(existsSync(home)).toBe(false)
  })
})

describe('R-CLI-3 what is secret is shown where it is asked for, and nowhere else', () => {
  test('no list and no view holds a token, a preimage or a query', async () => {
    const { home, buy, withJournal } = await openSpender()
    await buy('/weather?key=hunter2')
    const [token] = await withJournal(({ tokens }) => tokens.list())
    const secrets = [token!.token, token!.preimage]
    const all: readonly (readonly [Command, Run, readonly string[]])[] = [
      [tokensList, runTokensList, ['--all']],
      [tokensShow, runTokensShow, [token!.id]],
      [receiptsList, runReceiptsList, []],
      [receiptsVerify, runReceiptsVerify, []],
      [receiptsExport, runReceiptsExport, []],
    ]
    for (const [command, run, args] of all) {
      for (const options of [{}, { terminal: 120 }]) {
        const { stdout, stderr, code } = await runAt(home, command, run, args, options)
        expect(code).toBe(0)
        for (const secret of secrets) expect(stdout + stderr).not.toContain(secret)
      }
    }
  })

  test('--reveal writes the line that opens it, to a terminal', async () => {
    const { home, buy, shop, withJournal } = await openSpender()
    await buy('/weather')
    const [token] = await withJournal(({ tokens }) => tokens.list())
    const { stdout } = await show(home, [token!.id.slice(0, 8), '--reveal'], { terminal: 80 })
    const [, authorization = ''] = /^Authorization: (L402 .+)\n$/.exec(stdout) ?? []
    const response = await fetch(`${shop.url}/weather`, { headers: { authorization } })
    expect(response.status).toBe(200)
  })

  test('and into a pipe only with --yes', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather')
    const [{ id }] = JSON.parse((await list(home)).stdout)
    const refused = await show(home, [id, '--reveal'])
    expect([refused.code, refused.stdout]).toEqual([2, ''])
    expect((await show(home, [id, '--reveal', '--yes'])).stdout).toMatch(/^Authorization: L402 /)
    expect((await show(home, [id, '--reveal', '--json'], { terminal: 80 })).code).toBe(2)
  })
})

describe('R-CLI-4 what still opens something is listed, and all with --all', () => {
  test('by origin too', async () => {
    const { home, buy, shop, withJournal } = await openSpender()
    await buy('/weather', '/report/1')
    const [first] = await withJournal(({ tokens }) => tokens.list())
    await withJournal(({ tokens }) => tokens.mark(first!.id, { kind: 'abandoned' }))
    const targets = async (...args: readonly string[]): Promise<readonly string[]> =>
      JSON.parse((await list(home, args)).stdout).map(({ target }: { target: string }) => target)
    expect(await targets()).toEqual(['GET /report/1'])
    expect(await targets('--all')).toEqual(['GET /report/1', 'GET /weather'])
    expect(await targets('--all', '--origin', `${shop.url}/some/path`)).toHaveLength(2)
    expect(await targets('--all', '--origin', 'https://api.example.com')).toEqual([])
    // Without a scheme it is https, or http where only that is known.
    expect(await targets('--all', '--origin', new URL(shop.url).host)).toHaveLength(2)
    const late = { now: () => Math.floor(Date.now() / 1000) + 10 * 86_400 }
    expect(JSON.parse((await list(home, [], late)).stdout)).toEqual([])
    const table = await list(home, ['--all'], { ...late, terminal: 80 })
    expect(table.stdout).toMatch(/expired.*\n.*written off/s)
  })

  for (const [text, origin] of [
    ['api.example.com', 'https://api.example.com'],
    ['API.Example.com:443/x?y', 'https://api.example.com'],
    ['http://127.0.0.1:8402', 'http://127.0.0.1:8402'],
  ] as const) {
    test(`${text} is ${origin}`, () => expect(readOrigin(text)).toBe(origin))
  }

  test('20 000 tokens are listed without opening more of them than are shown', async () => {
    const { home, buy, withJournal } = await openSpender()
    await buy('/weather')
    const [model] = await withJournal(({ tokens }) => tokens.list())
    await withJournal(async ({ tokens }) => {
      for (let i = 0; i < 20_000; i += 500) {
        const some = Array.from({ length: 500 }, (_, k) => {
          const id = (i + k).toString(16).padStart(32, 'a')
          return tokens.put({ ...model!, id, paymentHash: id.repeat(2) })
        })
        await Promise.all(some)
      }
    })
    // What is sealed in the older half cannot be opened any more.
    const journal = new DatabaseSync(join(home, 'journal.db'))
    journal.exec("UPDATE tokens SET secret = x'00' WHERE id <= 10000")
    journal.close()
    const { stdout, code } = await list(home, [], { terminal: 80 })
    expect(code).toBe(0)
    expect(stdout.split('\n').length).toBeLessThan(60)
    await expect(withJournal(({ tokens }) => tokens.list())).rejects.toMatchObject({
      code: 'JOURNAL_UNUSABLE',
    })
  })
})

describe('R-CLI-5 a token is named by its id or its payment', () => {
  test('in full, by 8 digits, in capitals, and as a table cuts it', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather')
    const [{ id, paymentHash }] = JSON.parse((await list(home)).stdout)
    for (const name of [
      id,
      id.slice(0, 8),
      paymentHash,
      paymentHash.slice(0, 12),
      id.slice(0, 9).toUpperCase(),
      `${id.slice(0, 8)}…`,
      `${paymentHash.slice(0, 8)}...`,
    ]) {
      const { stdout, code } = await show(home, [name, '--json'])
      expect([code, tokenView.parse(JSON.parse(stdout)).id]).toEqual([0, id])
    }
  })

  test('too little, too much and anything else is a mistake; what is not there is said', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather')
    for (const name of ['abcdef0', 'x'.repeat(8), 'a'.repeat(65), '%', "' OR 1"]) {
      expect((await show(home, [name])).code).toBe(2)
    }
    expect(await show(home, ['00000000'])).toMatchObject({ code: 1, stdout: '' })
  })

  test('what several begin with names none of them', async () => {
    const { home, buy, withJournal } = await openSpender()
    await buy('/weather')
    await withJournal(async ({ tokens }) => {
      const [model] = await tokens.list()
      for (const end of ['1', '2']) {
        await tokens.put({
          ...model!,
          id: `deadbeef${end.repeat(24)}`,
          paymentHash: end.repeat(64),
        })
      }
    })
    const ended = await show(home, ['deadbeef'])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('names 2 tokens')
    expect((await show(home, ['deadbeef1', '--json'])).code).toBe(0)
  })

  test('a terminal is told everything about it', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather')
    const [{ id, paymentHash }] = JSON.parse((await list(home)).stdout)
    const { stdout } = await show(home, [id], { terminal: 80 })
    for (const words of [id, paymentHash, 'GET /weather', 'shop · forecast', '10 sat', 'good: ']) {
      expect(stdout).toContain(words)
    }
    expect(stdout).toContain('request_count')
    for (const line of stdout.split('\n')) expect(columns(line)).toBeLessThanOrEqual(80)
  })

  test('what a stranger chose cannot move the cursor', async () => {
    const { home, buy, withJournal } = await openSpender()
    await buy('/weather')
    const evil = '\u001b[2J\u202eevil\r\n'
    await withJournal(async ({ tokens }) => {
      const [model] = await tokens.list()
      const facts = { ...model!.facts!, service: evil, capability: evil }
      const id = 'e'.repeat(32)
      await tokens.put({ ...model!, id, target: `GET /${evil}`, facts, enforces: [evil] })
    })
    for (const { stdout } of [
      await list(home, [], { terminal: 80 }),
      await show(home, ['eeeeeeee'], { terminal: 80 }),
    ]) {
      expect(stdout).toContain('evil')
      for (const command of ['\u001b', '\u202e', '\r']) expect(stdout).not.toContain(command)
    }
  })
})

describe('R-CLI-6 a purchase is written off by its owner', () => {
  test('asked about, with what it was; then the same thing is bought anew, and nothing is lost', async () => {
    const { home, buy, shop } = await openSpender()
    await buy('/weather', '/weather')
    const spent = shop.spentMsat()
    const [{ id }] = JSON.parse((await list(home)).stdout)
    const no = await abandon(home, [id], { terminal: 80, says: false })
    expect(no.code).toBe(3)
    expect(no.stderr).toContain('GET /weather')
    expect(no.stderr).toContain('10 sat')
    await buy('/weather')
    expect(shop.spentMsat()).toBe(spent)

    const yes = await abandon(home, [id], { terminal: 80, says: true })
    expect([yes.code, yes.asked]).toEqual([0, ['Write it off?']])
    await buy('/weather')
    expect(shop.spentMsat()).toBe(spent * 2n)
    const standings = JSON.parse((await list(home, ['--all'])).stdout).map(
      ({ standing }: { standing: string }) => standing,
    )
    expect(standings).toEqual(['good', 'abandoned'])
  })

  test('where there is no terminal it needs --yes', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather')
    const [{ id }] = JSON.parse((await list(home)).stdout)
    const refused = await abandon(home, [id])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('--yes')
    expect((await abandon(home, [id, '--yes'])).code).toBe(0)
  })

  test('a payment without an end is named by its hash; its money stays set aside', async () => {
    const { home, buy, withJournal } = await openSpender()
    await buy('/weather')
    const now = Math.floor(Date.now() / 1000)
    const intent = openIntent(now)
    await withJournal(async ({ ledger }) => {
      await ledger.begin(intent, noLimits)
      await ledger.send(intent.paymentHash, 1)
      await ledger.record(intent.paymentHash, { state: 'unknown' }, now, 1)
    })
    const ended = await abandon(home, ['cdcdcdcd'], { terminal: 80, says: true })
    expect(ended.code).toBe(0)
    expect(ended.stderr.replaceAll('\n', ' ')).toContain('may be paid for twice')
    await withJournal(async ({ ledger }) => {
      expect((await ledger.find(intent.paymentHash))?.abandoned).toBe(true)
      expect((await ledger.spending(now)).heldMsat).toBe(satToMsat(75n))
    })
  })

  test('what was never bought is said', async () => {
    const { home, buy } = await openSpender()
    expect((await abandon(home, ['00000000', '--yes'])).code).toBe(1)
    await buy('/weather')
    expect((await abandon(home, ['00000000', '--yes'])).code).toBe(1)
  })
})

describe('R-CLI-13 a payment that no wallet will ever end is released by its owner', () => {
  const hash = 'cd'.repeat(32)

  /** Such a payment, in a home of its own. */
  async function held(nowSeconds: number): Promise<ReturnType<typeof openSpender>> {
    const spender = await openSpender()
    await spender.withJournal(async ({ ledger }) => {
      await ledger.begin(openIntent(nowSeconds), noLimits)
      await ledger.send(hash, 1)
      await ledger.record(hash, { state: 'unknown' }, nowSeconds, 1)
    })
    return spender
  }
  const now = Math.floor(Date.now() / 1000)

  test('asked about, with what that means; a receipt says so', async () => {
    const { home, withJournal } = await held(now - 100)
    const args = [hash, '--release']
    const no = await abandon(home, args, { terminal: 80, says: false })
    expect([no.code, no.asked]).toEqual([3, ['Give its money back to the budget?']])
    const words = no.stderr.replaceAll('\n', ' ')
    for (const word of ['GET /x', 'look into your wallet first', '75 sat']) {
      expect(words).toContain(word)
    }
    expect((await abandon(home, args)).code).toBe(2)
    await withJournal(async ({ ledger }) => {
      expect((await ledger.spending(now)).heldMsat).toBe(satToMsat(75n))
    })

    const yes = await abandon(home, [...args, '--yes'])
    expect([yes.code, yes.stdout]).toEqual([0, `Written off and released: payment ${hash}\n`])
    await withJournal(async ({ ledger, receipts }) => {
      expect(await ledger.find(hash)).toMatchObject({ state: 'failed', failure: 'written-off' })
      expect((await ledger.spending(now)).totalMsat).toBe(0n)
      expect((await receipts.list()).at(-1)).toMatchObject({
        kind: 'failed',
        paymentHash: hash,
        reason: 'written-off',
      })
    })
    expect((await abandon(home, [...args, '--yes'])).code).toBe(1)
  })

  test('one that settles after all is settled, and counts', async () => {
    const { home, withJournal } = await held(now - 100)
    expect((await abandon(home, [hash, '--release', '--yes'])).code).toBe(0)
    await withJournal(async ({ ledger }) => {
      const feeMsat = satToMsat(1n)
      const news = { state: 'settled', preimage: '00'.repeat(32), feeMsat, owed: true } as const
      await ledger.record(hash, news, now, 1)
      expect((await ledger.find(hash))?.state).toBe('settled')
      expect((await ledger.spending(now)).totalMsat).toBe(satToMsat(71n))
    })
  })

  test('one that was written off before is released as well', async () => {
    const { home, withJournal } = await held(now - 100)
    expect((await abandon(home, [hash, '--yes'])).code).toBe(0)
    expect((await abandon(home, [hash, '--release', '--yes'])).code).toBe(0)
    await withJournal(async ({ ledger }) => {
      expect((await ledger.spending(now)).heldMsat).toBe(0n)
    })
  })

  test('not while somebody may be making it', async () => {
    const { home, withJournal } = await held(now + 1000)
    const ended = await abandon(home, [hash, '--release', '--yes'])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('Try again after 2')
    await withJournal(async ({ ledger }) => {
      expect((await ledger.find(hash))?.state).toBe('unknown')
    })
  })

  test('what was paid has nothing to give back', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather')
    const [{ id }] = JSON.parse((await list(home)).stdout)
    const ended = await abandon(home, [id, '--release', '--yes'])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('nothing to give back')
  })
})

describe('R-CLI-8 what is the operator’s to decide is fenced off from agents', () => {
  const fenced: readonly (readonly [Command, Run])[] = [
    [approvalsApprove, runApprove],
    [tokensAbandon, runTokensAbandon],
  ]
  for (const [command, run] of fenced) {
    test(`${command.name} refuses where SATWAY_AGENT is set`, async () => {
      const environment = { SATWAY_AGENT: '1' }
      const ended = await runAt(makeHome(), command, run, ['deadbeef', '--yes'], { environment })
      expect(ended.code).toBe(3)
      expect(ended.stderr).toContain('SATWAY_AGENT')
      for (const off of ['', '0']) {
        const options = { environment: { SATWAY_AGENT: off } }
        expect((await runAt(makeHome(), command, run, ['deadbeef', '--yes'], options)).code).toBe(1)
      }
    })
  }
})
