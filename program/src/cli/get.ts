import type { Command } from './command.ts'
import { exitCodeMeanings } from './exit-codes.ts'

/** `satway get`. */
export const get: Command = {
  name: 'get',
  usage: '[options] URL',
  about: [
    'Makes one HTTP request. If the answer is 402 with an L402 challenge, it checks the invoice, pays it within your limits, and asks again with the proof of payment. The body goes to standard output, and a summary of what was paid to standard error.',
    'Only the invoice counts: its checksum and signature, amount, network, expiry, and that the token is bound to its payment hash. What the server says beside it is never believed.',
    'Tokens are kept in memory in this release: what was bought is good for this one call of the program, unless --credential keeps it.',
  ],
  flags: {
    'max-cost': {
      value: 'AMOUNT',
      about:
        'Pay at most this price, the fee not counted: 100 or 100sat, 1500msat, 0.0001BTC. Default 100 sat.',
    },
    'max-fee': {
      value: 'AMOUNT',
      about:
        'On top of the price, pay at most this much for the route. Default: the larger of 5 sat and 1 % of the price.',
    },
    'dry-run': {
      about: 'Ask, check and show the price, and pay nothing. The request itself is sent as it is.',
    },
    request: { short: 'X', value: 'METHOD', about: 'Default GET, or POST with --data.' },
    data: {
      short: 'd',
      value: 'DATA',
      about: 'Body to send; @FILE reads it from a file, @- from standard input.',
    },
    header: {
      short: 'H',
      value: 'LINE',
      repeats: true,
      about: 'Header to send, as "Name: value". Repeat it for more.',
    },
    'replace-authorization': {
      about:
        'Where payment is asked for, let the proof of it replace your own Authorization header.',
    },
    output: {
      short: 'o',
      value: 'FILE',
      about: 'Write the body to a file, when the request succeeds.',
    },
    credential: {
      value: 'FILE',
      about:
        'Write what was bought to a file of your own (0600), as an Authorization line: curl -H @FILE asks again with it.',
    },
    wallet: {
      value: 'WALLET',
      about: 'Who pays: devnet:FILE. Default SATWAY_WALLET, then the demo’s ~/.satway/devnet.json.',
    },
    timeout: { value: 'SECONDS', about: 'For all of it, until the body begins. Default 60.' },
    json: { about: 'Write one JSON document with the outcome and the body.' },
    quiet: { short: 'q', about: 'No summary.' },
  },
  operands: 1,
  sections: [
    {
      title: 'Exit codes',
      rows: exitCodeMeanings.map(([code, what]) => [`${code}`, what]),
    },
    {
      title: 'Outcomes in JSON',
      rows: [
        ['"not_paid"', 'nothing was paid: it was free, it failed, or with --dry-run'],
        ['"refused"', 'a limit or a check stopped it before paying'],
        ['"paid_delivered"', 'paid, and the answer is here'],
        ['"paid_not_delivered"', 'paid, but the server did not deliver'],
        ['"unknown"', 'the payment was started and its end is not known'],
      ],
    },
  ],
  examples: [
    'satway get --dry-run http://127.0.0.1:8402/v1/decode -d lnbc...',
    'satway get http://127.0.0.1:8402/v1/decode -d \'{"invoice":"lnbc..."}\' --max-cost 20sat',
  ],
  run: async (given) => (await import('../get/get.ts')).runGet(given),
}
