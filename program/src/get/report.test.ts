import { msat } from 'satway'
import { describe, expect, test } from 'vitest'
import type { Screen } from '../cli/screen.ts'
import type { CallReport, PolicyView } from '../schema/index.ts'
import type { Beside } from './report.ts'
import { leftToSpend, renderReport } from './report.ts'

const plain = (text: string): string => text
const screen: Screen = {
  interactive: false,
  width: 80,
  rows: undefined,
  bold: plain,
  dim: plain,
  good: plain,
  bad: plain,
  warn: plain,
  name: plain,
  write: () => undefined,
}
const paymentHash = '6dbd7a1c2e3f'.padEnd(64, '0')
const blank: CallReport = {
  outcome: 'not_paid',
  method: 'GET',
  url: 'https://shop.example/data?key=secret',
  status: 200,
  contentType: null,
  amountMsat: null,
  feeMsat: null,
  maxFeeMsat: null,
  paymentHash: null,
  resume: null,
  approvalId: null,
  dryRun: false,
  quote: null,
  asks: null,
  output: null,
  credential: null,
  body: null,
  bodyEncoding: null,
  truncated: false,
  error: null,
  exitCode: 0,
}
const paid = {
  outcome: 'paid_delivered',
  amountMsat: '10000',
  feeMsat: '1001',
  paymentHash,
} as const
const nothing: Beside = {
  command: 'get',
  paidTo: undefined,
  paidNow: false,
  usedToken: false,
  leftToSpend: undefined,
  kept: undefined,
  unasked: undefined,
}
const render = (report: Partial<CallReport>, beside: Partial<Beside> = {}): string =>
  renderReport(screen, { ...blank, ...report }, { ...nothing, ...beside })

describe('R-GET-17 what people are told', () => {
  for (const [what, report, beside, text] of [
    ['free', {}, {}, 'Free: nothing was paid.\n'],
    [
      'opened by a token',
      {},
      { usedToken: true },
      'Nothing was paid: a token from an earlier payment opened it.\n',
    ],
    [
      'paid',
      paid,
      {
        paidTo: 'shop.example',
        paidNow: true,
        leftToSpend: 'Left to spend: 89 sat this hour, 989 sat today.',
      },
      `Paid 10 sat, fee 1.001 sat, to shop.example.
Payment hash ${paymentHash}
The token is kept, and used as long as it is good.
Left to spend: 89 sat this hour, 989 sat today.
`,
    ],
    [
      'paid, for one request, into a file',
      { ...paid, output: 'report.pdf' },
      { paidNow: true, usesLeft: 0 },
      `Paid 10 sat, fee 1.001 sat.
Payment hash ${paymentHash}
That used up what was bought: the next call is paid for anew.
Saved: report.pdf
`,
    ],
    [
      'paid, for a few requests',
      paid,
      { paidNow: true, usesLeft: 1 },
      `Paid 10 sat, fee 1.001 sat.
Payment hash ${paymentHash}
The token is kept: it is good for 1 request more.
`,
    ],
    [
      'paid by an earlier call',
      paid,
      { paidTo: 'shop.example' },
      `Paid before: 10 sat, fee 1.001 sat, to shop.example.
Payment hash ${paymentHash}
The token is kept, and used as long as it is good.
`,
    ],
    [
      'paid, with a credential',
      { ...paid, credential: 'FILE' },
      { paidNow: true },
      `Paid 10 sat, fee 1.001 sat.
Payment hash ${paymentHash}
What was bought is also in FILE: curl -H @FILE URL
`,
    ],
    [
      'paid and not delivered',
      {
        ...paid,
        outcome: 'paid_not_delivered',
        resume: paymentHash,
        error: { code: 'X', reason: null, message: 'It broke off.', advice: null },
      },
      { paidNow: true },
      `Paid 10 sat, fee 1.001 sat.
Payment hash ${paymentHash}
satway get: It broke off.
To go on with it, without paying: satway resume 6dbd7a1c2e3f
`,
    ],
    [
      'a download that broke off, paid for',
      {
        ...paid,
        outcome: 'paid_not_delivered',
        resume: paymentHash,
        error: {
          code: 'X',
          reason: null,
          message: 'It broke off.',
          advice: `To ask again without paying again: satway resume ${paymentHash}`,
        },
      },
      { paidNow: true, kept: 'data.bin.part' },
      `Paid 10 sat, fee 1.001 sat.
Payment hash ${paymentHash}
satway get: It broke off.
To ask again without paying again: satway resume 6dbd7a1c2e3f
What has arrived is in data.bin.part: --continue goes on with it.
`,
    ],
    [
      'an unknown end',
      { ...paid, outcome: 'unknown', feeMsat: null, resume: paymentHash },
      {},
      `Price 10 sat.
Payment hash ${paymentHash}
`,
    ],
    [
      'an open question',
      {
        approvalId: 'abcd2345',
        error: { code: 'POLICY_REFUSED', reason: 'x', message: 'It waits.', advice: null },
      },
      {},
      `satway get: It waits.
To allow it: satway approvals approve abcd2345
`,
    ],
    [
      'a body that was saved',
      {},
      { unasked: '/home/x/.satway/downloads/a.png' },
      `Free: nothing was paid.
The body is no text. It was saved: /home/x/.satway/downloads/a.png
`,
    ],
    [
      'too expensive, named once',
      {
        amountMsat: '10000',
        error: { code: 'BUDGET_EXCEEDED', reason: 'x', message: 'It costs 10 sat.', advice: null },
      },
      {},
      'satway get: It costs 10 sat.\n',
    ],
    [
      'a dry run',
      { dryRun: true, quote: 'payable', amountMsat: '10000', maxFeeMsat: '5000' },
      {},
      `Price 10 sat, and at most 5 sat for the route.
Every check passed. Nothing was paid.
`,
    ],
    [
      'a dry run of what would be asked about',
      {
        dryRun: true,
        quote: 'payable',
        amountMsat: '10000',
        maxFeeMsat: '5000',
        asks: 'new-host',
      },
      {},
      `Price 10 sat, and at most 5 sat for the route.
You would be asked first: nothing was paid to this host before.
Every check passed. Nothing was paid.
`,
    ],
    [
      'a dry run of what a token opens',
      { dryRun: true, quote: 'covered' },
      {},
      'A token from an earlier payment opens it. Nothing was paid.\n',
    ],
    ['a dry run of what is free', { dryRun: true, quote: 'free' }, {}, 'Free: nothing was paid.\n'],
  ] as const) {
    test(what, () => {
      const rendered = render(report, beside)
      expect(rendered).toBe(text)
      for (const line of rendered.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
      expect(rendered).not.toContain('secret')
    })
  }

  test('fits into 80 columns, however long the reason is', () => {
    const message = 'word '.repeat(60)
    const error = { code: 'X', reason: null, message, advice: message }
    for (const line of render({ error }).split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('steers no terminal', () => {
    const error = { code: 'X', reason: null, message: 'a\u001b[2Jb', advice: 'c\u001b[2Jd' }
    expect(render({ error })).not.toContain('\u001b')
  })
})

describe('R-GET-17 what is left to spend', () => {
  const spent = {
    hourMsat: msat(1_500n),
    dayMsat: msat(30_000n),
    totalMsat: msat(30_000n),
    heldMsat: msat(0n),
  }
  const view = (limits: Partial<PolicyView>): PolicyView =>
    ({ perHourMsat: null, perDayMsat: null, totalMsat: null, ...limits }) as PolicyView

  test('is told in whole sat, and never more than it is', () => {
    const limits = { perHourMsat: '10000', perDayMsat: '20000', totalMsat: '100000' }
    expect(leftToSpend(view(limits), spent)).toBe(
      'Left to spend: 8 sat this hour, 0 sat today, 70 sat in all.',
    )
  })

  test('is told where there is a limit', () => {
    expect(leftToSpend(view({ perDayMsat: '100000' }), spent)).toBe('Left to spend: 70 sat today.')
    expect(leftToSpend(view({}), spent)).toBeUndefined()
  })
})
