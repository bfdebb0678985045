import type { Fault } from '../../lightning/devnet/index.ts'
import type { WireFault } from './wire-fault.ts'

/** How one purchase goes wrong. Its parts happen in this order. */
export type FaultScript = {
  /** A sentence for the name of the test. */
  readonly name: string
  /** What the node behind does with the payment. Default: it pays. */
  readonly node?: Fault
  /** What happens to the order on its way, and to its answer. */
  readonly order?: WireFault
  /** What happens to the first look-ups. */
  readonly lookUps?: readonly WireFault[]
  /** What becomes of a payment that is on its way, once `pay` has ended. */
  readonly end?: 'settle' | 'fail'
}

const before = (how: WireFault['how']): WireFault => ({ executed: false, how })
const after = (how: WireFault['how']): WireFault => ({ executed: true, how })
const answer = (status: number, body: string): WireFault['how'] => ({
  kind: 'answer',
  status,
  body,
})
const page = '<html><body>Bad gateway</body></html>'
const elsewhere: WireFault['how'] = { kind: 'redirect', location: 'http://127.0.0.1:9/' }

/** Every way in which an order to pay goes wrong: the least that an adapter is tried with. */
export const orderScripts: readonly FaultScript[] = [
  { name: 'the connection dies before the order is read', order: before({ kind: 'reset' }) },
  { name: 'the connection dies after the payment', order: after({ kind: 'reset' }) },
  { name: 'nothing answers, and nothing was paid', order: before({ kind: 'hang' }) },
  { name: 'nothing answers, and it was paid', order: after({ kind: 'hang' }) },
  { name: 'the answer is late', order: after({ kind: 'late', ms: 150 }) },
  { name: 'the answer is cut', order: after({ kind: 'cut' }) },
  { name: 'the answer comes a byte at a time', order: after({ kind: 'drip' }) },
  { name: 'the answer comes twice', order: after({ kind: 'twice' }) },
  { name: '500, and nothing was paid', order: before(answer(500, '{"detail":"error"}')) },
  { name: '500, and it was paid', order: after(answer(500, '{"detail":"error"}')) },
  { name: '502 with a page, and it was paid', order: after(answer(502, page)) },
  { name: '503, and nothing was paid', order: before(answer(503, '')) },
  { name: '503, and it was paid', order: after(answer(503, '')) },
  { name: '504, and it was paid', order: after(answer(504, page)) },
  { name: '429, and nothing was paid', order: before(answer(429, '{}')) },
  { name: '429, and it was paid', order: after(answer(429, '{}')) },
  { name: '400, and it was paid', order: after(answer(400, '{"detail":"error"}')) },
  { name: '408, and it was paid', order: after(answer(408, '')) },
  { name: '200 without a body, and nothing was paid', order: before(answer(200, '')) },
  { name: '200 without a body, and it was paid', order: after(answer(200, '')) },
  { name: '200 with null, and it was paid', order: after(answer(200, 'null')) },
  { name: '200 with [], and nothing was paid', order: before(answer(200, '[]')) },
  { name: '200 with {}, and it was paid', order: after(answer(200, '{}')) },
  { name: '200 with a page, and it was paid', order: after(answer(200, page)) },
  { name: 'a redirect, and nothing was paid', order: before(elsewhere) },
  { name: 'a redirect, and it was paid', order: after(elsewhere) },
  { name: 'an endless answer, and it was paid', order: after({ kind: 'flood' }) },
  { name: 'it settles late', node: { kind: 'timeout', settleAfterMs: 60_000 }, end: 'settle' },
  { name: 'it is on its way and settles', node: { kind: 'in-flight' }, end: 'settle' },
  { name: 'it is on its way and fails', node: { kind: 'in-flight' }, end: 'fail' },
  { name: 'the node hangs', node: { kind: 'hang' } },
  { name: 'there is no route', node: { kind: 'fail', reason: 'no-route' } },
  { name: 'the payee refuses', node: { kind: 'fail', reason: 'rejected' } },
  { name: 'it is called a duplicate', node: { kind: 'duplicate' } },
  {
    name: 'it is called a duplicate, and the answer is lost',
    node: { kind: 'duplicate' },
    order: after({ kind: 'reset' }),
  },
  {
    name: 'there is no route, and the answer is lost',
    node: { kind: 'fail', reason: 'no-route' },
    order: after({ kind: 'reset' }),
  },
  {
    name: 'it settles late, and the answer is lost',
    node: { kind: 'timeout', settleAfterMs: 60_000 },
    order: after({ kind: 'reset' }),
    end: 'settle',
  },
  {
    name: 'it was paid, and the first look-ups are lost',
    order: after({ kind: 'reset' }),
    lookUps: [before({ kind: 'reset' }), before(answer(500, '')), before(answer(200, '{}'))],
  },
  {
    name: 'it was paid, and the first look-ups are nonsense',
    order: after(answer(502, page)),
    lookUps: [
      before(answer(200, page)),
      before(answer(200, 'null')),
      before(elsewhere),
      after({ kind: 'cut' }),
    ],
  },
  {
    name: 'it was paid, and a proxy knows nothing of it',
    order: after({ kind: 'reset' }),
    lookUps: [before(answer(404, page)), before(answer(403, page)), before(answer(429, ''))],
  },
]

/** Every way in which the making of an invoice goes wrong. */
export const invoiceScripts: readonly { readonly name: string; readonly fault: WireFault }[] = [
  { name: 'the connection dies before', fault: before({ kind: 'reset' }) },
  { name: 'the connection dies after', fault: after({ kind: 'reset' }) },
  { name: 'nothing answers', fault: before({ kind: 'hang' }) },
  { name: 'the answer is cut', fault: after({ kind: 'cut' }) },
  { name: 'the answer comes a byte at a time', fault: after({ kind: 'drip' }) },
  { name: '500', fault: before(answer(500, '{}')) },
  { name: '502 with a page', fault: after(answer(502, page)) },
  { name: '503', fault: before(answer(503, '')) },
  { name: '429', fault: before(answer(429, '{}')) },
  { name: '401', fault: before(answer(401, '{}')) },
  { name: '200 without a body', fault: before(answer(200, '')) },
  { name: '200 with null', fault: before(answer(200, 'null')) },
  { name: '200 with {}', fault: before(answer(200, '{}')) },
  { name: '200 with a page', fault: after(answer(200, page)) },
  { name: 'a redirect', fault: before(elsewhere) },
  { name: 'an endless answer', fault: after({ kind: 'flood' }) },
]
