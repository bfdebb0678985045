import type { Command } from './command.ts'

/** `satway doctor`. */
export const doctor: Command = {
  name: 'doctor',
  usage: '[options]',
  about: [
    'Looks at everything that a payment depends on, and says what to do about what is not in order: the wallet (whether it answers, its network, how much it may do), the policy, the settings, the journal with its receipts and its key, the modes of the files, the clock, the disk, and this Node.',
    'Pays nothing and mends nothing. All it may write are receipts: what the journal has and the receipts file still lacks is added to that file. The wallet is asked about a payment that nobody made.',
  ],
  flags: { json: { about: 'Write JSON, also to a terminal. A pipe gets JSON anyway.' } },
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
  examples: ['satway doctor', 'satway doctor --json'],
  run: async (given) => (await import('../agent/doctor/index.ts')).runDoctor(given),
}
