/** What else people have in hand where an invoice or a token is meant, and what it is good for. */
const kinds: readonly (readonly [pattern: RegExp, name: string])[] = [
  [
    /^lno1/i,
    'It is a BOLT 12 offer, which is not decoded here: a wallet that knows BOLT 12 fetches an invoice for it.',
  ],
  [/^ln[ir]1/i, 'It is of BOLT 12 (an invoice or a request for one), which is not decoded here.'],
  [
    /^(lnurl1|lnurl[pwc]:|keyauth:)/i,
    'It is an LNURL, which is not decoded here: a wallet asks its service for an invoice.',
  ],
  [
    /^0[23][0-9a-f]{64}@\S+$/i,
    'It is the address of a Lightning node (its id, host and port): it says where to connect, and nothing to decode.',
  ],
  [
    /^0[23][0-9a-f]{64}$/i,
    'It is the id of a Lightning node, its public key: it says who, and nothing to decode.',
  ],
  [
    /^[\w.+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/i,
    'It is a Lightning Address (user@host), which is not decoded here: a wallet asks its host for an invoice.',
  ],
  [
    /^((bc|tb|bcrt)1[02-9ac-hj-np-z]{8,87}|[13][1-9a-km-z]{25,34})$/i,
    'It is a Bitcoin address, which is not decoded here: it is paid on the chain, without an invoice.',
  ],
  [
    /^bitcoin:/i,
    'It is a Bitcoin payment link without a Lightning invoice in it: it is paid on the chain.',
  ],
  [
    /^[0-9a-f]{64}$/i,
    'It is 64 hex digits: a payment hash or a preimage, in which there is nothing to decode.',
  ],
  [/^https?:\/\//i, 'It is a URL. To see what it costs: `satway get --dry-run URL`.'],
]

/**
 * Names what is known and not decoded here.
 *
 * @returns a sentence for people, or `undefined`.
 */
export function nameForeign(text: string): string | undefined {
  return kinds.find(([pattern]) => pattern.test(text))?.[1]
}
