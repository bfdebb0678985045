import type { Command } from './command.ts'

/** `satway doctor`. */
export const doctor: Command = {
  name: 'doctor',
  usage: '[options]',
  about: [
    'Looks at everything that a payment depends on, and says what to do about what is not in order: the wallet (whether it answers, is ready, is on the network that its URI says, and what its credential allows), the policy, the settings, the journal with its receipts and its key, the modes of the files, the clock, the disk, and this Node.',
    'Pays nothing and mends nothing. All it may write are receipts: what the journal has and the receipts file still lacks is added to that file. The wallet is asked how it is, and about a payment that nobody made.',
    'A credential that does more than pay is a warning, with the command that makes one that does not.',
  ],
  flags: {
    wallet: {
      value: 'WALLET',
      about:
        'Look at this one, by its URI (satway help config set). Default: your configuration, then SATWAY_WALLET, then a running demo.',
    },
    json: { about: 'Write JSON, also to a terminal. A pipe gets JSON anyway.' },
  },
  operands: 0,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'in order; there may be warnings'],
        ['1', 'something has to be mended'],
        ['2', 'the command line has a mistake'],
      ],
    },
  ],
  examples: [
    'satway doctor',
    "satway doctor --wallet 'cln://127.0.0.1:3010?rune=file:/home/me/.satway/pay.rune'",
  ],
  run: async (given) => (await import('../agent/doctor/index.ts')).runDoctor(given),
}
