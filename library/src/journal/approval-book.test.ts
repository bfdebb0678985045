import { spawn } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { proposalOf } from '../../../test/journal/proposal.ts'
import type { ScratchDatabase } from '../../../test/journal/scratch-database.ts'
import { scratchDatabase, scratchFolder } from '../../../test/journal/scratch-database.ts'
import { msat } from '../amount/index.ts'
import type { Proposal } from '../client/index.ts'
import { createApprovals } from './approval-book.ts'
import { newApprovalId, readApprovalId } from './approval-id.ts'
import type { ApprovalAnswer, ApprovalState, Approvals } from './journal.ts'
import { createReceiptBook } from './receipt-book.ts'
import { createSeal } from './seal.ts'

let scratch: ReturnType<typeof scratchFolder>
let database: ScratchDatabase
let approvals: Approvals
let clock = 0
beforeEach(async () => {
  scratch = scratchFolder()
  database = await scratchDatabase(scratch.folder)
  clock = 1000
  approvals = createApprovals(database, { now: () => clock })
})
afterEach(async () => {
  await database.close()
  scratch.remove()
})

const ask = (more: Partial<Proposal> = {}, at = clock): Promise<ApprovalAnswer> =>
  approvals.ask(proposalOf(more), at)
const statusOf = async (more: Partial<Proposal> = {}, at = clock): Promise<string> =>
  (await ask(more, at)).status

describe('R-APR-1 a purchase that has to be asked about is one open question', () => {
  test('however often it is asked about', async () => {
    const { status, id } = await ask()
    expect(status).toBe('pending')
    expect(await ask()).toEqual({ status: 'pending', id })
    expect(await ask({ amountMsat: msat(99_000n), paymentHash: 'ef'.repeat(32) })).toEqual({
      status: 'pending',
      id,
    })
    expect(await approvals.list(clock)).toEqual([
      {
        id,
        state: 'pending',
        proposal: proposalOf(),
        createdAtSeconds: 1000,
        expiresAtSeconds: 4600,
        decidedAtSeconds: undefined,
      },
    ])
    expect(await approvals.find(id)).toEqual((await approvals.list(clock))[0])
  })

  for (const [what, more] of [
    ['method', { method: 'POST' }],
    ['URL', { url: 'https://a.example/v1/image?size=large' }],
    ['payee', { payee: `03${'ab'.repeat(32)}` }],
    ['body', { bodySha256: '00'.repeat(32), bodyBytes: 5 }],
    ['higher price', { amountMsat: msat(100_001n) }],
    ['higher fee', { maxFeeMsat: msat(5001n) }],
  ] as const) {
    test(`and another question for another ${what}`, async () => {
      const { id } = await ask()
      const other = await ask(more)
      expect(other.status).toBe('pending')
      expect(other.id).not.toBe(id)
    })
  }

  test('with amounts that no number holds exactly', async () => {
    const amountMsat = msat(2_099_999_999_999_999_999n)
    const { id } = await ask({ amountMsat })
    expect((await approvals.find(id))?.proposal.amountMsat).toBe(amountMsat)
    expect(await statusOf({ amountMsat: msat(amountMsat + 1n) })).toBe('pending')
    expect(await approvals.list(clock)).toHaveLength(2)
  })

  test('and is there for the next process', async () => {
    const { id } = await ask()
    await database.close()
    database = await scratchDatabase(scratch.folder)
    approvals = createApprovals(database, { now: () => clock })
    expect(await ask()).toEqual({ status: 'pending', id })
  })
})

describe('R-APR-2 an approval is good for one payment', () => {
  test('and then it is used', async () => {
    const { id } = await ask()
    await approvals.decide(id, 'approved', clock)
    expect(await ask()).toEqual({ status: 'approved', id })
    expect((await approvals.find(id))?.state).toBe('used')
    const next = await ask()
    expect(next.status).toBe('pending')
    expect(next.id).not.toBe(id)
  })

  for (const [what, more, status] of [
    ['the same price', {}, 'approved'],
    ['a lower price', { amountMsat: msat(1n) }, 'approved'],
    ['another payment hash', { paymentHash: '01'.repeat(32) }, 'approved'],
    ['a higher price', { amountMsat: msat(100_001n), maxFeeMsat: msat(0n) }, 'pending'],
    ['a higher fee', { maxFeeMsat: msat(5001n) }, 'pending'],
    [
      'a higher fee at a lower price',
      { amountMsat: msat(99_000n), maxFeeMsat: msat(6000n) },
      'approved',
    ],
    ['another method', { method: 'HEAD' }, 'pending'],
    ['another URL', { url: 'https://a.example/v1/image?size=small&x' }, 'pending'],
    ['another payee', { payee: `02${'ba'.repeat(32)}` }, 'pending'],
  ] as const) {
    test(`of ${what}: ${status}`, async () => {
      const { id } = await ask()
      await approvals.decide(id, 'approved', clock)
      expect(await statusOf(more)).toBe(status)
    })
  }

  test('also when many ask at once', async () => {
    const { id } = await ask()
    await approvals.decide(id, 'approved', clock)
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask()))
    expect(answers.filter(({ status }) => status === 'approved')).toEqual([
      { status: 'approved', id },
    ])
    const others = new Set(
      answers.filter(({ status }) => status === 'pending').map((one) => one.id),
    )
    expect(others.size).toBe(1)
  })

  test('also when several processes ask at once', async () => {
    const purchases = 15
    const approved: string[] = []
    for (let n = 0; n < purchases; n++) {
      const { id } = await approvals.ask(proposalOf({ url: `https://a.example/${n}` }), 0)
      await approvals.decide(id, 'approved', 0)
      approved.push(id)
    }
    const child = join(import.meta.dirname, '../../../test/journal/approval-child.ts')
    const file = join(scratch.folder, 'journal.db')
    const takers = ['a', 'b', 'c'].map(async () => {
      const args = [child, file, String(purchases), '4']
      const taker = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      let output = ''
      for await (const chunk of taker.stdout) output += chunk
      return JSON.parse(output) as string[]
    })
    const taken = (await Promise.all(takers)).flat()
    expect(taken.toSorted(), 'each once').toEqual(approved.toSorted())
  })
})

describe('R-APR-3 a denial stands until it expires', () => {
  test('for the purchase, at whatever price', async () => {
    const { id } = await ask()
    await approvals.decide(id, 'denied', clock)
    for (const amountMsat of [1n, 99_999n, 100_000n, 100_001n, 5_000_000n]) {
      expect(await ask({ amountMsat: msat(amountMsat) })).toEqual({ status: 'denied', id })
    }
    expect(await statusOf({ method: 'POST' })).toBe('pending')
    expect(await statusOf({}, 4599.9)).toBe('denied')
    expect(await statusOf({}, 4600)).toBe('pending')
  })

  test('unless the operator approved another question about it', async () => {
    const cheap = await ask()
    const dear = await ask({ amountMsat: msat(200_000n) })
    await approvals.decide(dear.id, 'denied', clock)
    await approvals.decide(cheap.id, 'approved', clock)
    expect(await statusOf({ amountMsat: msat(150_000n) })).toBe('denied')
    expect(await ask()).toEqual({ status: 'approved', id: cheap.id })
    expect(await statusOf()).toBe('denied')
  })
})

describe('R-APR-4 a question and its answer live for an hour', () => {
  test('until the second at which it is over', async () => {
    const { id } = await ask()
    await approvals.decide(id, 'approved', 4599)
    expect(await statusOf({}, 4599.999)).toBe('approved')

    const second = await ask({}, 5000)
    await approvals.decide(second.id, 'approved', 5000)
    const third = await ask({}, 8600)
    expect(third.status).toBe('pending')
    expect((await approvals.list(8600)).map(({ state }) => state)).toEqual([
      'pending',
      'expired',
      'used',
    ])
    clock = 12_200
    expect((await approvals.find(third.id))?.state).toBe('expired')
    await expect(approvals.decide(third.id, 'approved', 12_200)).rejects.toThrow(RangeError)
  })

  test('and a clock that is set back makes it no younger', async () => {
    const { id } = await ask()
    await approvals.decide(id, 'approved', clock)
    await ask({ method: 'POST' }, 4600)
    expect((await ask({}, 1000)).id).not.toBe(id)
    clock = 0
    expect((await approvals.find(id))?.state).toBe('expired')
    expect((await approvals.list(0, 'expired')).map((one) => one.id)).toEqual([id])
    expect((await approvals.list(0))[0]?.createdAtSeconds).toBe(4600)
  })

  for (const at of [Number.NaN, Number.POSITIVE_INFINITY]) {
    test(`and ${at} is no time`, async () => {
      await expect(ask({}, at)).rejects.toThrow(RangeError)
      expect(await statusOf()).toBe('pending')
    })
  }
})

describe('R-APR-5 an id is for people to type', () => {
  test('8 letters and digits that do not look alike', async () => {
    const ids = Array.from({ length: 2000 }, () => newApprovalId(() => false))
    for (const id of ids) expect(id).toMatch(/^[2-9a-hj-kmnp-tw-z]{8}$/)
    expect(new Set(ids).size).toBe(2000)
    expect(new Set(ids.join('')).size, 'each letter occurs').toBe(29)
  })

  test('unique: one that is taken is not given again', () => {
    const tried: string[] = []
    const id = newApprovalId((candidate) => tried.push(candidate) < 5)
    expect(tried).toHaveLength(5)
    expect(id).toBe(tried[4])
  })

  test('in either case, and with blanks around it', async () => {
    const { id } = await ask()
    expect((await approvals.find(` ${id.toUpperCase()}\n`))?.id).toBe(id)
    expect((await approvals.decide(id.toUpperCase(), 'approved', clock)).id).toBe(id)
  })

  for (const text of [
    '',
    'abc',
    'abcdefgh2',
    '0bcdefgh',
    'abcdefg ',
    '%%%%%%%%',
    "' OR 1--",
    '\0'.repeat(8),
  ]) {
    test(`and ${JSON.stringify(text)} is none`, async () => {
      expect(readApprovalId(text)).toBeUndefined()
      expect(await approvals.find(text)).toBeUndefined()
      await expect(approvals.decide(text, 'approved', clock)).rejects.toThrow(RangeError)
    })
  }
})

describe('R-APR-6 what cannot be asked about is denied, and nothing stays of it', () => {
  const refused = { status: 'denied', id: '' }

  test('with 20 open questions of one host, whatever its ports', async () => {
    for (let n = 0; n < 20; n++) {
      const origin = `https://a.example:${4000 + n}`
      expect(await statusOf({ origin, url: `${origin}/` })).toBe('pending')
    }
    expect(await ask({ url: 'https://a.example/more' })).toEqual(refused)
    expect(await statusOf({ origin: 'https://b.example', url: 'https://b.example/' })).toBe(
      'pending',
    )
    expect(await approvals.list(clock)).toHaveLength(21)
    const [last] = await approvals.list(clock, 'pending')
    await approvals.decide((await approvals.list(clock)).at(-1)!.id, 'denied', clock)
    expect(await statusOf({ url: 'https://a.example/more' })).toBe('pending')
    expect(last?.proposal.origin).toBe('https://b.example')
  })

  test('with 1000 open questions', async () => {
    const asked = Array.from({ length: 1000 }, (_, n) => {
      const origin = `https://h${Math.floor(n / 20)}.example`
      return ask({ origin, url: `${origin}/${n}` })
    })
    for (const { status } of await Promise.all(asked)) expect(status).toBe('pending')
    const origin = 'https://more.example'
    expect(await ask({ origin, url: `${origin}/` })).toEqual(refused)
    expect(await statusOf({ origin: 'https://h0.example', url: 'https://h0.example/0' })).toBe(
      'pending',
    )
    expect(await statusOf({ origin, url: `${origin}/` }, 4600)).toBe('pending')
  })

  for (const [what, more] of [
    ['a URL too long to be shown', { url: `https://a.example/${'a'.repeat(4096)}` }],
    ['a URL with something invisible in it', { url: 'https://a.example/\u202egnp.exe' }],
    ['a method too long to be shown', { method: 'A'.repeat(301) }],
    ['a payee that is text', { payee: 'me\nand you' }],
  ] as const) {
    test(`for ${what}`, async () => {
      expect(await ask(more)).toEqual(refused)
      expect(await approvals.list(clock)).toEqual([])
    })
  }

  test('but questions about bare invoices are counted by their payee', async () => {
    const invoiceOf = (payee: string, n: number): Partial<Proposal> => ({
      origin: `lightning:${payee}`,
      url: `lightning:${payee}`,
      method: 'PAY',
      payee,
      amountMsat: msat(BigInt(n + 1)),
    })
    const one = `02${'11'.repeat(32)}`
    for (let n = 0; n < 20; n++) expect(await statusOf(invoiceOf(one, n))).toBe('pending')
    expect(await ask(invoiceOf(one, 20))).toEqual(refused)
    expect(await statusOf(invoiceOf(`03${'11'.repeat(32)}`, 0))).toBe('pending')
  })
})

describe('R-APR-7 a decision', () => {
  test('is made about an open question', async () => {
    const { id } = await ask()
    const decided = await approvals.decide(id, 'denied', 1001)
    expect(decided).toEqual({
      ...(await approvals.find(id)),
      state: 'denied',
      decidedAtSeconds: 1001,
    })
    await expect(approvals.decide(id, 'denied', 1002)).rejects.toThrow(/it is denied/)
    await expect(approvals.decide('22222222', 'approved', 1002)).rejects.toThrow(/no such question/)
    expect(await statusOf()).toBe('denied')
  })

  test('can be turned either way until it is used or expires, and each is a receipt', async () => {
    const book = createReceiptBook(database, {
      path: join(scratch.folder, 'receipts.jsonl'),
      seal: createSeal(new Uint8Array(32)),
    })
    const { id } = await ask()
    for (const answer of ['denied', 'approved', 'denied'] as const) {
      const { state, expiresAtSeconds } = await approvals.decide(id, answer, 1001)
      expect([state, expiresAtSeconds]).toEqual([answer, 1000 + 3600])
    }
    expect(await statusOf()).toBe('denied')
    expect((await approvals.decide(id, 'approved', 1002)).decidedAtSeconds).toBe(1002)
    expect(await statusOf()).toBe('approved')
    await expect(approvals.decide(id, 'denied', 1003)).rejects.toThrow(/it is used/)
    const reasons = (await book.list()).map(({ reason }) => reason)
    expect(reasons).toEqual(['denied', 'approved', 'denied', 'approved'])

    const other = await ask()
    await approvals.decide(other.id, 'denied', 1003)
    const late = approvals.decide(other.id, 'approved', 1000 + 2 * 3600)
    await expect(late).rejects.toThrow(/it is expired/)
  })

  test('is a receipt, without the query of the URL', async () => {
    const book = createReceiptBook(database, {
      path: join(scratch.folder, 'receipts.jsonl'),
      seal: createSeal(new Uint8Array(32)),
    })
    const { id } = await ask()
    expect(await book.list()).toEqual([])
    await approvals.decide(id, 'approved', 1001)
    await expect(approvals.decide(id, 'approved', 1001)).rejects.toThrow(RangeError)
    expect(await book.list()).toMatchObject([
      {
        seq: 1,
        time: '1970-01-01T00:16:41.000Z',
        kind: 'approval',
        paymentHash: 'cd'.repeat(32),
        origin: 'https://a.example',
        method: 'GET',
        path: '/v1/image',
        amountMsat: '100000',
        maxFeeMsat: '5000',
        decidedBy: 'approval',
        reason: 'approved',
      },
    ])
    await book.close()
  })
})

describe('R-APR-8 the list', () => {
  test('has the latest first, and those of one state where it is asked for', async () => {
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.push((await ask({ url: `https://a.example/${n}` })).id)
    await approvals.decide(ids[0]!, 'approved', clock)
    await approvals.decide(ids[1]!, 'denied', clock)
    await approvals.decide(ids[2]!, 'approved', clock)
    await ask({ url: 'https://a.example/2' })
    const listed = async (state?: ApprovalState, at = clock): Promise<string[]> =>
      (await approvals.list(at, state)).map(({ id }) => id)
    expect(await listed()).toEqual(ids.toReversed())
    expect(await listed('approved')).toEqual([ids[0]])
    expect(await listed('denied')).toEqual([ids[1]])
    expect(await listed('used')).toEqual([ids[2]])
    expect(await listed('pending')).toEqual([ids[4], ids[3]])
    expect(await listed('expired')).toEqual([])
    expect(await listed('expired', 4600)).toEqual([ids[4], ids[3], ids[1], ids[0]])
    expect(await listed('pending', 4600)).toEqual([])
  })

  test('has at most 1000', async () => {
    for (let hour = 0; hour < 2; hour++) {
      const asked = Array.from({ length: 600 }, (_, n) => {
        const origin = `https://h${Math.floor(n / 20)}.example`
        return ask({ origin, url: `${origin}/${n}` }, 1000 + 3600 * hour)
      })
      await Promise.all(asked)
    }
    expect(await approvals.list(5000)).toHaveLength(1000)
  })

  test('keeps a bounded history', async () => {
    const { raw } = database
    await ask()
    raw.exec('UPDATE approvals SET id = 1')
    raw.exec("UPDATE sqlite_sequence SET seq = 10000 WHERE name = 'approvals'")
    await ask({}, 4600)
    expect((await approvals.list(4600)).map(({ state }) => state)).toEqual(['pending'])
  })
})

test('R-APR-9 the payee’s words are cut, and nothing invisible is in them', async () => {
  const nasty = `pay\u202e me\n\u0000${'x'.repeat(500)}`
  const { id } = await ask({ description: nasty, capability: nasty })
  const proposal = (await approvals.find(id))!.proposal
  expect(proposal.description).toBe(`pay me${'x'.repeat(58)}`)
  expect(proposal.capability).toBe(proposal.description)
  const other = await ask({ url: 'https://a.example/', capability: undefined })
  expect((await approvals.find(other.id))!.proposal.capability).toBeUndefined()
})

describe('R-JRN-26 a value that changed on the disk is noticed', () => {
  for (const change of [
    'amount_msat = amount_msat + 1',
    "url = 'https://a.example/v1/other'",
    "state = 'approved'",
    'expires_at = expires_at + 1',
    'body_bytes = 1',
  ]) {
    test(`approvals: ${change}`, async () => {
      const { id } = await ask()
      database.raw.exec(`UPDATE approvals SET ${change}`)
      const unusable = { code: 'JOURNAL_UNUSABLE', details: { reason: 'damaged' } }
      await expect(approvals.find(id)).rejects.toMatchObject(unusable)
      await expect(approvals.list(clock)).rejects.toMatchObject(unusable)
      await expect(approvals.decide(id, 'approved', clock)).rejects.toMatchObject(unusable)
    })
  }

  test('the latest time that was seen', async () => {
    await ask()
    database.raw.exec('UPDATE approval_clock SET at = at + 1')
    await expect(ask()).rejects.toMatchObject({ code: 'JOURNAL_UNUSABLE' })
  })
})

describe('R-APR-2 in any history', () => {
  const purchase = fc.record({
    url: fc.constantFrom('https://a.example/1', 'https://a.example/2'),
    amountMsat: fc.integer({ min: 1, max: 4 }),
    maxFeeMsat: fc.integer({ min: 0, max: 2 }),
  })
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('ask' as const), purchase }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('decide' as const),
        which: fc.nat(7),
        answer: fc.constantFrom('approved' as const, 'denied' as const),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        seconds: fc.integer({ min: -2000, max: 3000 }),
      }),
    },
  )

  test('the answers are those of a list on paper', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const own = scratchFolder()
        const file = await scratchDatabase(own.folder)
        let given = 100_000
        let latest = 0
        const book = createApprovals(file, { now: () => given })
        const paper: Written[] = []
        try {
          for (const each of steps) {
            if (each.kind === 'wait') given += each.seconds
            latest = each.kind === 'wait' ? latest : Math.max(latest, given)
            if (each.kind === 'ask') {
              const { url, amountMsat, maxFeeMsat } = each.purchase
              const answer = await book.ask(
                proposalOf({
                  url,
                  amountMsat: msat(BigInt(amountMsat)),
                  maxFeeMsat: msat(BigInt(maxFeeMsat)),
                }),
                given,
              )
              expect(answer).toEqual(askOnPaper(paper, each.purchase, latest, answer.id))
            }
            if (each.kind === 'decide') {
              const one = paper[each.which]
              if (one === undefined) continue
              const isOpen =
                one.state !== 'used' && one.state !== each.answer && latest < one.expiresAt
              const decided = book.decide(one.id, each.answer, given)
              if (isOpen) one.state = (await decided).state
              else await expect(decided).rejects.toThrow(RangeError)
              if (isOpen) expect(one.state).toBe(each.answer)
            }
            const now = Math.max(latest, given)
            const states = (await book.list(given)).map(({ id, state }) => [id, state])
            expect(states.reverse()).toEqual(paper.map((one) => [one.id, stateOf(one, now)]))
          }
        } finally {
          await file.close()
          own.remove()
        }
      }),
      { numRuns: 60 },
    )
  })
})

type Written = {
  readonly id: string
  readonly url: string
  readonly amountMsat: number
  readonly costMsat: number
  readonly expiresAt: number
  state: ApprovalState
}

function stateOf({ state, expiresAt }: Written, now: number): ApprovalState {
  return state !== 'used' && now >= expiresAt ? 'expired' : state
}

/** What has to be answered; writes it down. A new question gets `newId`. */
function askOnPaper(
  paper: Written[],
  purchase: { readonly url: string; readonly amountMsat: number; readonly maxFeeMsat: number },
  now: number,
  newId: string,
): ApprovalAnswer {
  const { url, amountMsat, maxFeeMsat } = purchase
  const costMsat = amountMsat + maxFeeMsat
  const inForce = paper.filter((one) => one.url === url && now < one.expiresAt).reverse()
  const covering = inForce.filter((one) => amountMsat <= one.amountMsat && costMsat <= one.costMsat)
  const approved = covering.find(({ state }) => state === 'approved')
  if (approved !== undefined) {
    approved.state = 'used'
    return { status: 'approved', id: approved.id }
  }
  const denied = inForce.find(({ state }) => state === 'denied')
  if (denied !== undefined) return { status: 'denied', id: denied.id }
  const pending = covering.find(({ state }) => state === 'pending')
  if (pending !== undefined) return { status: 'pending', id: pending.id }
  expect(paper.map(({ id }) => id)).not.toContain(newId)
  paper.push({ id: newId, url, amountMsat, costMsat, expiresAt: now + 3600, state: 'pending' })
  return { status: 'pending', id: newId }
}
