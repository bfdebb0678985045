import type { Command } from './command.ts'
import { exitCodeMeanings } from './exit-codes.ts'

/** `satway get`. */
export const get: Command = {
  name: 'get',
  usage: '[options] URL',
  about: [
    'Makes one HTTP request. If the answer is 402 with an L402 challenge, it checks the invoice, pays it within your limits, and asks again with the proof of payment. The body goes to standard output, and a summary of what was paid to standard error.',
    'Only the invoice counts: its checksum and signature, amount, network, expiry, and that the token is bound to its payment hash. What the server says beside it is never believed.',
    'What was bought is kept, and used again as long as it is good. What may be spent is in your policy (satway policy show); the limits given here only tighten it.',
  ],
  flags: {
    'max-cost': {
      value: 'AMOUNT',
      about:
        'Pay at most this price, the fee not counted: 100 or 100sat, 1500msat, 0.0001BTC. Default: what the policy allows for one payment.',
    },
    'max-fee': {
      value: 'AMOUNT',
      about:
        'On top of the price, pay at most this much for the route. Default: what the policy says, or the larger of 5 sat and 1 % of the price.',
    },
    'no-pay': {
      about: 'Pay nothing, whatever it costs. What was bought before is still used.',
    },
    'dry-run': {
      about:
        'Ask, check and show the price, and pay nothing. The request itself is sent as it is. Ends as the call would: 0 when it may be paid, 8 when it is too expensive, and so on.',
    },
    ask: {
      about: 'Where the policy wants you to be asked, ask here. That is the default on a terminal.',
    },
    'approval-wait': {
      value: 'SECONDS',
      about:
        'Wait so long for an answer in the queue (satway approvals). Default: what the configuration says, or 0: end with exit code 9 and be run again.',
    },
    request: { short: 'X', value: 'METHOD', about: 'Default GET, or POST with --data.' },
    data: {
      short: 'd',
      value: 'DATA',
      about: 'Body to send; @FILE reads it from a file, @- from standard input.',
    },
    'content-type': {
      value: 'TYPE',
      about: 'What --data is. Default: JSON where it is JSON, else text or bytes.',
    },
    header: {
      short: 'H',
      value: 'LINE',
      repeats: true,
      about:
        'Header to send, as "Name: value"; @FILE reads lines from a file. Repeat it for more. A comma is part of the value.',
    },
    'replace-authorization': {
      about:
        'Where payment is asked for, let the proof of it replace your own Authorization header.',
    },
    location: { short: 'L', about: 'Follow redirects. That is the default.' },
    'no-location': { about: 'Give the answer that redirects as it is.' },
    'max-redirects': { value: 'NUMBER', about: 'Follow at most so many, up to 20. Default 20.' },
    output: {
      short: 'o',
      value: 'FILE',
      about:
        'Write the body to a file, when the request succeeds. The file gets its name when it is complete. - is standard output, byte by byte.',
    },
    'remote-name': {
      short: 'O',
      about: 'Write it to a file here that is called as the URL ends, without the query.',
    },
    continue: {
      short: 'c',
      about:
        'Go on with the file that an earlier run left as FILE.part. If it changed meanwhile, start over. The rest is not paid for: if what was bought is used up, leave this out to buy all of it anew.',
    },
    include: {
      short: 'i',
      about: 'Write the status and the headers of the answer before its body, to standard output.',
    },
    'no-progress': { about: 'Show no progress of a download.' },
    params: {
      value: 'JSON',
      about:
        'All of this as one JSON object instead: url, method, headers (an object), data, and the names of the flags with _ for -. @FILE and @- as with --data.',
    },
    credential: {
      value: 'FILE',
      about:
        'Also write what was bought to a file of your own (0600), as an Authorization line: curl -H @FILE asks again with it.',
    },
    'use-credential': {
      value: 'TEXT',
      about:
        'Use what `satway delegate` gave, ORIGIN AUTHORIZATION, and never pay. Better in SATWAY_CREDENTIAL, where others do not see it.',
    },
    wallet: {
      value: 'WALLET',
      about:
        'Who pays, by its URI: lnd://…, cln://…, nostr+walletconnect://…, devnet:FILE; all of them: satway help config set. Default: the configuration, SATWAY_WALLET, then a running demo’s ~/.satway/devnet.json.',
    },
    'public-only': {
      about:
        'Somebody else chose the URL: refuse this machine and private networks, whatever DNS says. Also SATWAY_PUBLIC_ONLY=1.',
    },
    insecure: { short: 'k', about: 'Accept any certificate. For your own tests.' },
    timeout: {
      value: 'SECONDS',
      about: 'For the server, until the body begins; paying and asking do not count. Default 60.',
    },
    'payment-timeout': {
      value: 'SECONDS',
      about: 'For the wallet. A payment that takes longer has an unknown end. Default 60.',
    },
    json: { about: 'Write one JSON document with the outcome and the body.' },
    human: { about: 'Write the body and a summary. That is the default.' },
    quiet: { short: 'q', about: 'No summary of a success, no progress, no warning.' },
    verbose: { short: 'v', about: 'Show every step on standard error, with its time. No secrets.' },
  },
  operands: 0,
  optionalOperands: 1,
  sections: [
    {
      title: 'Exit codes',
      rows: exitCodeMeanings.map(([code, what]) => [`${code}`, what]),
    },
    {
      title: 'Outcomes in JSON',
      rows: [
        ['"not_paid"', 'nothing was paid: it was free, a token opened it, it failed, or --dry-run'],
        ['"refused"', 'a limit or a check stopped it before paying'],
        ['"paid_delivered"', 'paid, and the answer is here'],
        ['"paid_not_delivered"', 'paid, but the server did not deliver: satway resume'],
        ['"unknown"', 'the payment was started and its end is not known: satway resume'],
      ],
    },
    {
      title: 'On a terminal',
      rows: [
        ['text', 'is shown without the sequences that steer a terminal; -o - shows them'],
        ['the rest', 'is saved to ~/.satway/downloads, and its name is told'],
      ],
    },
  ],
  examples: [
    'satway get --dry-run http://127.0.0.1:8402/v1/decode -d lnbc...',
    'satway get http://127.0.0.1:8402/v1/decode -d \'{"invoice":"lnbc..."}\' --max-cost 20sat',
    'satway get -c -o data.bin https://api.example.com/data.bin',
    'satway get --json --params \'{"url":"https://api.example.com/","max_cost":20}\'',
  ],
  run: async (given) => (await import('../get/get.ts')).runGet(given, get.flags),
}
