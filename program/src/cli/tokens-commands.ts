import type { Command } from './command.ts'
import type { Summary } from './help.ts'
import { listingFlags } from './listing-flags.ts'

const exits: Command['sections'] = [
  {
    title: 'Exit codes',
    rows: [
      ['0', 'done'],
      ['1', 'there is no such token, or the journal cannot be used; the message says which'],
      ['2', 'the command line has a mistake, or --yes is missing'],
      ['3', 'refused: you said no, or SATWAY_AGENT is set'],
    ],
  },
]

/** `satway tokens list`. */
export const tokensList: Command = {
  name: 'tokens list',
  usage: '[options]',
  about: [
    'Shows what was bought and still opens something, the latest first: a table for each seller.',
    'No token and no preimage is shown here.',
  ],
  flags: {
    origin: { value: 'ORIGIN', about: 'Only of this seller: https://api.example.com.' },
    all: { about: 'Those too that are spent, expired or written off.' },
    ...listingFlags,
  },
  operands: 0,
  sections: exits,
  examples: ['satway tokens list', 'satway tokens list --origin api.example.com --all --json'],
  run: async (given) => (await import('../tokens/index.ts')).runTokensList(given),
}

/** `satway tokens show`. */
export const tokensShow: Command = {
  name: 'tokens show',
  usage: '[options] ID',
  about: [
    'Shows one token: what it was bought for, how it stands, and what the server said it enforces. ID is its id or its payment hash, or the first 8 or more digits of one.',
  ],
  flags: {
    reveal: {
      about:
        'Write the Authorization line instead. It is a secret: whoever has it can use what you paid for.',
    },
    yes: { about: 'With --reveal: also into a pipe or a file.' },
    json: { about: 'Write JSON, also to a terminal. A pipe gets JSON anyway.' },
  },
  operands: 1,
  sections: exits,
  examples: ['satway tokens show 5d41402a', 'satway tokens show 5d41402a --reveal'],
  run: async (given) => (await import('../tokens/index.ts')).runTokensShow(given),
}

/** `satway tokens abandon`. */
export const tokensAbandon: Command = {
  name: 'tokens abandon',
  usage: '[options] ID',
  about: [
    'Writes a purchase off, so that the same thing can be bought anew. For a payment whose end nobody will ever tell, and for a seller that took the money and delivers nothing.',
    'Nothing is deleted: token and receipts stay, and so does what is set aside for a payment, until its end is known. ID is a token’s id or a payment hash, or the first 8 or more digits of one.',
    'With --release, for a payment without an end, what is set aside may be spent again. Look into your wallet first: if it was paid after all, more is spent than your limits say.',
  ],
  flags: {
    release: { about: 'Give back what is set aside for a payment that was not made.' },
    yes: { about: 'Do it without asking. Needed where there is no terminal.' },
  },
  operands: 1,
  sections: exits,
  examples: ['satway tokens abandon 5d41402a', 'satway tokens abandon 5d41402a --release'],
  run: async (given) => (await import('../tokens/index.ts')).runTokensAbandon(given),
}

/** The commands of this file, for the overview. */
export const tokensCommands: readonly (Summary & { load(): Promise<Command> })[] = [
  {
    name: 'tokens list',
    usage: '[options]',
    about: 'Show what was bought and still opens something.',
    load: async () => tokensList,
  },
  {
    name: 'tokens show',
    usage: '[options] ID',
    about: 'Show one token.',
    load: async () => tokensShow,
  },
  {
    name: 'tokens abandon',
    usage: '[options] ID',
    about: 'Write a purchase off, so that it can be made anew.',
    load: async () => tokensAbandon,
  },
]
