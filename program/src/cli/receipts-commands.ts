import type { Command } from './command.ts'
import type { Summary } from './help.ts'
import { listingFlags } from './listing-flags.ts'

const exits: Command['sections'] = [
  {
    title: 'Exit codes',
    rows: [
      ['0', 'done'],
      ['1', 'the receipts are not in order, or the journal cannot be used'],
      ['2', 'the command line has a mistake'],
    ],
  },
]

/** `satway receipts list`. */
export const receiptsList: Command = {
  name: 'receipts list',
  usage: '[options]',
  about: [
    'Shows what was decided and paid, oldest first. Each decision and each step of a payment is one receipt. They carry no token, no preimage and no query.',
  ],
  flags: {
    since: { value: 'WHEN', about: 'From then on: 30m, 24h, 7d, or 2026-03-01.' },
    origin: { value: 'ORIGIN', about: 'Only of this seller: https://api.example.com.' },
    ...listingFlags,
  },
  operands: 0,
  sections: exits,
  examples: ['satway receipts list --since 24h', 'satway receipts list --ndjson --limit 1000'],
  run: async (given) => (await import('../receipts/index.ts')).runReceiptsList(given),
}

/** `satway receipts verify`. */
export const receiptsVerify: Command = {
  name: 'receipts verify',
  usage: '[options]',
  about: [
    'Reads the whole file of receipts: each line must carry the digest of the line before it, agree with the journal, and for a settled payment the journal must hold a preimage that hashes to the payment hash.',
    'The head is the digest of the last line. Kept elsewhere, it tells later whether lines were cut off the end.',
  ],
  flags: { json: { about: 'Write JSON, also to a terminal. A pipe gets JSON anyway.' } },
  operands: 0,
  sections: exits,
  examples: ['satway receipts verify', 'satway receipts verify --json'],
  run: async (given) => (await import('../receipts/index.ts')).runReceiptsVerify(given),
}

/** `satway receipts export`. */
export const receiptsExport: Command = {
  name: 'receipts export',
  usage: '[options]',
  about: ['Writes one line of CSV for each settled payment, for bookkeeping.'],
  flags: {
    csv: { about: 'The form. It is the only one, and may be left out.' },
    output: { short: 'o', value: 'FILE', about: 'Write to a file (0600) instead.' },
  },
  operands: 0,
  sections: exits,
  examples: ['satway receipts export --csv -o payments.csv'],
  run: async (given) => {
    const { requireOutsideHome } = await import('../agent/index.ts')
    requireOutsideHome(given)
    return await (await import('../receipts/index.ts')).runReceiptsExport(given)
  },
}

/** `satway receipts restore`. */
export const receiptsRestore: Command = {
  name: 'receipts restore',
  usage: '',
  about: [
    'Writes the whole file of receipts anew, from the journal. For when `satway receipts verify` found that a file was changed or cut, and you looked at it and moved it away: nothing is overwritten.',
    'After it the chain is in receipts.jsonl alone. What it had gone on in, receipts.N.jsonl, is no part of it any more, and is left as it is.',
  ],
  flags: {},
  operands: 0,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'written'],
        ['1', 'a file is there, or the journal cannot be used; the message says which'],
        ['2', 'the command line has a mistake'],
        ['3', 'refused: SATWAY_AGENT is set'],
      ],
    },
  ],
  examples: ['mv ~/.satway/receipts.jsonl ~/receipts.damaged', 'satway receipts restore'],
  run: async (given) => (await import('../receipts/index.ts')).runReceiptsRestore(given),
}

/** The commands of this file, for the overview. */
export const receiptsCommands: readonly (Summary & { load(): Promise<Command> })[] = [
  {
    name: 'receipts list',
    usage: '[options]',
    about: 'Show what was decided and paid.',
    load: async () => receiptsList,
  },
  {
    name: 'receipts verify',
    usage: '[options]',
    about: 'Check that no receipt was changed, and that each payment is proven.',
    load: async () => receiptsVerify,
  },
  {
    name: 'receipts export',
    usage: '[options]',
    about: 'Write settled payments as CSV.',
    load: async () => receiptsExport,
  },
  {
    name: 'receipts restore',
    usage: '',
    about: 'Write the file of receipts anew, after you moved a damaged one away.',
    load: async () => receiptsRestore,
  },
]
