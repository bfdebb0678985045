import type { Approval } from 'satway/journal'
import { formatMoment } from '../desk/index.ts'
import type { ApprovalView } from '../schema/index.ts'

/** A question to the operator, as programs see it. */
export function viewApproval(approval: Approval): ApprovalView {
  const { id, state, proposal, createdAtSeconds, expiresAtSeconds } = approval
  const { askedBecause, origin, method, url, amountMsat, maxFeeMsat } = proposal
  return {
    id,
    state,
    askedBecause,
    origin,
    method,
    url,
    amountMsat: `${amountMsat}`,
    maxFeeMsat: `${maxFeeMsat}`,
    payee: proposal.payee,
    description: proposal.description,
    capability: proposal.capability ?? null,
    createdAt: formatMoment(createdAtSeconds),
    expiresAt: formatMoment(expiresAtSeconds),
  }
}

const because = {
  always: 'the policy asks about every payment',
  amount: 'it costs more than may be paid unasked',
  'new-host': 'nothing was paid to this host before',
} as const

/** Why somebody is asked, as a clause. */
export function reasonWords({ proposal }: Approval): string {
  return because[proposal.askedBecause]
}

/** What is asked about, in one line: `GET /report at api.example.com`. */
export function askedFor({ proposal }: Approval): { readonly host: string; readonly what: string } {
  const { origin, method, url } = proposal
  const parsed = URL.parse(url)
  const host = origin.startsWith('lightning:')
    ? `${origin.slice(0, 22)}…`
    : (parsed?.host ?? origin)
  const path =
    parsed === null || origin.startsWith('lightning:') ? 'a bare invoice' : parsed.pathname
  return { host, what: `${method} ${path}` }
}
