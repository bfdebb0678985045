import { describe, expect, test } from 'vitest'
import type { Proposal } from '../../library/src/client/index.ts'
import { runApprovalsList, runApprove, runDeny } from '../../program/src/approvals/index.ts'
import {
  approvalsApprove,
  approvalsDeny,
  approvalsList,
} from '../../program/src/cli/approvals-commands.ts'
import { columns } from '../../program/src/cli/screen.ts'
import { approvalView } from '../../program/src/schema/index.ts'
import type { DeskOptions, Ended } from './desk.ts'
import { runAt } from './desk.ts'
import type { Spender } from './spender.ts'
import { openSpender } from './spender.ts'

const askingPolicy = 'version: 1\nper_payment: 1000 sat\ntotal: 100000 sat\nauto_up_to: 12 sat\n'

/** Somebody who may not pay more than 12 sat unasked, and asked for something at 25. */
async function openAsking(): Promise<Spender & { readonly id: string }> {
  const spender = await openSpender(askingPolicy)
  await expect(spender.buy('/report/1')).rejects.toMatchObject({ code: 'POLICY_REFUSED' })
  const [{ id }] = JSON.parse((await list(spender.home)).stdout)
  return { ...spender, id }
}

function list(home: string, args: readonly string[] = [], options?: DeskOptions): Promise<Ended> {
  return runAt(home, approvalsList, runApprovalsList, args, options)
}

function approve(home: string, args: readonly string[], options?: DeskOptions): Promise<Ended> {
  return runAt(home, approvalsApprove, runApprove, args, options)
}

function deny(home: string, args: readonly string[], options?: DeskOptions): Promise<Ended> {
  return runAt(home, approvalsDeny, runDeny, args, options)
}

describe('R-CLI-7 what waits for an answer is shown, and answered', () => {
  test('with its cost, host, what is asked for, why and since when', async () => {
    const { home, id, shop } = await openAsking()
    const { stdout } = await list(home, [], { terminal: 80 })
    expect(stdout).toMatch(/ID +STATE +COST +HOST +WHY +ASKED +ENDS/)
    expect(stdout).toContain(id)
    expect(stdout).toMatch(/pending +\d+(?:\.\d+)? sat +127\.0\.0\.1:\d+ +amount/)
    expect(stdout).toMatch(/\n {2}GET http:\/\/127\.0\.0\.1:\d+\/report\/1\n/)
    for (const line of stdout.split('\n')) expect(columns(line)).toBeLessThanOrEqual(80)
    const [view] = approvalView.array().parse(JSON.parse((await list(home)).stdout))
    expect(view).toMatchObject({ origin: shop.url, amountMsat: '25000', state: 'pending' })
    expect(shop.spentMsat()).toBe(0n)
  })

  test('the question shows the amount again, and a no leaves it open', async () => {
    const { home, id, buy } = await openAsking()
    const { code, asked, stderr } = await approve(home, [id], { terminal: 80, says: false })
    expect(code).toBe(3)
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatch(/^Allow at most 30 sat to 127\.0\.0\.1:\d+\?$/)
    for (const words of [
      'Cost         25 sat',
      'Fee at most  5 sat',
      'it costs more than may be paid unasked',
      'Open until   in ',
    ]) {
      expect(stderr).toContain(words)
    }
    expect(stderr).toMatch(/Payee {8}0[23][0-9a-f]{64}/)
    await expect(buy('/report/1')).rejects.toMatchObject({ code: 'POLICY_REFUSED' })
  })

  test('a yes allows one payment of what was asked', async () => {
    const { home, id, buy, shop } = await openAsking()
    const { code, stdout } = await approve(home, [id.toUpperCase()], { terminal: 80, says: true })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Approved: at most 30 sat, for one payment within \d+ \w+\.\n$/)
    await buy('/report/1')
    expect(shop.spentMsat()).toBeGreaterThanOrEqual(25_000n)
    const [used] = JSON.parse((await list(home, ['--all'])).stdout)
    expect(used).toMatchObject({ id, state: 'used' })
    for (const again of [await approve(home, [id, '--yes']), await deny(home, [id])]) {
      expect(again.code).toBe(3)
      expect(again.stderr).toContain('the approval is used')
    }
  })

  test('either answer can be taken back as long as it holds', async () => {
    const { home, id, buy, shop } = await openAsking()
    expect((await deny(home, [id])).code).toBe(0)
    const twice = await deny(home, [id])
    expect(twice.code).toBe(3)
    expect(twice.stderr).toContain(`is denied already`)
    expect(twice.stderr).toContain(`satway approvals approve ${id}`)
    const unsure = await approve(home, [id], { terminal: 80, says: false })
    expect(unsure.stderr).toContain('stays denied')
    expect((await approve(home, [id, '--yes'])).code).toBe(0)
    expect((await deny(home, [id])).code).toBe(0)
    await expect(buy('/report/1')).rejects.toMatchObject({ code: 'POLICY_REFUSED' })
    expect(shop.spentMsat()).toBe(0n)
    const { stdout } = await list(home, ['--all'], { terminal: 80 })
    expect(stdout).toMatch(/denied .* in (?:59|60) min|denied .* in 1 h/)
    expect((await approve(home, [id, '--yes'])).code).toBe(0)
    await buy('/report/1')
    expect(shop.spentMsat()).toBeGreaterThanOrEqual(25_000n)
  })

  test('without a terminal it needs --yes', async () => {
    const { home, id } = await openAsking()
    const refused = await approve(home, [id])
    expect([refused.code, refused.stdout]).toEqual([2, ''])
    const done = await approve(home, [id, '--yes', '--json'])
    expect(approvalView.parse(JSON.parse(done.stdout))).toMatchObject({ id, state: 'approved' })
  })

  test('a denial holds, and may come from an agent', async () => {
    const { home, id, buy, shop } = await openAsking()
    const environment = { SATWAY_AGENT: '1' }
    expect((await approve(home, [id, '--yes'], { environment })).code).toBe(3)
    const done = await deny(home, [id], { environment })
    expect(done.stdout).toMatch(/^Denied\. The same is not asked again for \d+ \w+\.\n$/)
    await expect(buy('/report/1')).rejects.toMatchObject({ code: 'POLICY_REFUSED' })
    expect(JSON.parse((await list(home)).stdout)).toEqual([])
    expect((await list(home, [], { terminal: 80 })).stdout).toBe('Nothing waits for an answer.\n')
    expect((await deny(home, [id])).code).toBe(3)
    expect(shop.spentMsat()).toBe(0n)
  })

  test('one that expired is not open any more', async () => {
    const { home, id } = await openAsking()
    const now = (): number => Math.floor(Date.now() / 1000) + 30 * 86_400
    const ended = await approve(home, [id, '--yes'], { now })
    expect(ended.code).toBe(3)
    expect(ended.stderr).toContain('expired')
  })

  test('one that was never asked is said, however it is spelt', async () => {
    const { home } = await openAsking()
    for (const id of ['k7m2p9xq', '', '%', 'x'.repeat(500), '\u001b[2J']) {
      const ended = await approve(home, [id, '--yes'])
      expect(ended.code).toBe(1)
      expect(ended.stderr).not.toContain('\u001b')
    }
  })

  test('a payee’s words are shown as such, and cannot move the cursor', async () => {
    const { home, withJournal } = await openAsking()
    const proposal: Proposal = {
      askedBecause: 'new-host',
      origin: 'https://api.example.com',
      method: 'GET',
      url: 'https://api.example.com/x?key=hunter2',
      amountMsat: 1_234_567n as never,
      maxFeeMsat: 0n as never,
      payee: `02${'ab'.repeat(32)}`,
      paymentHash: 'cd'.repeat(32),
      description: '\u001b[2JApproved. Type y',
      capability: undefined,
      bodySha256: undefined,
      bodyBytes: undefined,
    }
    const now = Math.floor(Date.now() / 1000)
    const { id } = await withJournal(({ approvals }) => approvals.ask(proposal, now))
    const { stderr } = await approve(home, [id], { terminal: 80, says: false })
    expect(stderr).toContain('1,234.567 sat')
    expect(stderr).toContain('(nobody checked these)')
    expect(stderr).not.toContain('\u001b')
  })

  test('what is approved is shown whole: the query, and the body by its SHA-256', async () => {
    const { home, withJournal } = await openAsking()
    const url = `https://api.example.com/order/${'a'.repeat(200)}?to=mallory`
    const proposal: Proposal = {
      askedBecause: 'amount',
      origin: 'https://api.example.com',
      method: 'POST',
      url,
      amountMsat: 1000n as never,
      maxFeeMsat: 0n as never,
      payee: `02${'ab'.repeat(32)}`,
      paymentHash: 'cd'.repeat(32),
      description: '',
      capability: undefined,
      bodySha256: 'ef'.repeat(32),
      bodyBytes: 24,
    }
    const now = Math.floor(Date.now() / 1000)
    const { id } = await withJournal(({ approvals }) => approvals.ask(proposal, now))
    const card = await approve(home, [id], { terminal: 80, says: false })
    const listed = await list(home, [], { terminal: 80 })
    for (const text of [card.stderr, listed.stdout]) {
      expect(text.replace(/\n +/g, '')).toContain(`POST${url}`)
      expect(text.replace(/\n +/g, '')).toMatch(/24 bytes, sha256 ?(?:ef){32}/)
      for (const line of text.split('\n')) expect(columns(line)).toBeLessThanOrEqual(80)
    }
    const views = approvalView.array().parse(JSON.parse((await list(home)).stdout))
    expect(views[0]).toMatchObject({ url, bodySha256: 'ef'.repeat(32), bodyBytes: 24 })
    for (const [other, status] of [
      [{ bodySha256: '00'.repeat(32) }, 'pending'],
      [{ bodySha256: undefined, bodyBytes: undefined }, 'pending'],
      [{}, 'approved'],
    ] as const) {
      const given = { ...proposal, ...other }
      await approve(home, [id, '--yes'])
      expect(await withJournal(({ approvals }) => approvals.ask(given, now))).toMatchObject({
        status,
      })
    }
  })

  test('an invoice without a host is shown by its payee', async () => {
    const { home, withJournal } = await openAsking()
    const payee = `02${'ab'.repeat(32)}`
    const proposal: Proposal = {
      askedBecause: 'always',
      origin: `lightning:${payee}`,
      method: 'PAY',
      url: `lightning:${payee}`,
      amountMsat: 1000n as never,
      maxFeeMsat: 0n as never,
      payee,
      paymentHash: 'cd'.repeat(32),
      description: '',
      capability: undefined,
      bodySha256: undefined,
      bodyBytes: undefined,
    }
    const now = Math.floor(Date.now() / 1000)
    await withJournal(({ approvals }) => approvals.ask(proposal, now))
    const { stdout } = await list(home, [], { terminal: 100 })
    expect(stdout).toContain(`PAY lightning:${payee}`)
    expect(stdout).toContain('lightning:02ab')
  })
})
