import type { Command } from './command.ts'

/** `satway wallet status`. */
export const walletStatus: Command = {
  name: 'wallet status',
  usage: '[options]',
  about: [
    'Says which wallet pays, on which network, and whether it answers. It is asked how it is, and for a payment that nobody made; nothing is paid. What its credential allows: satway doctor.',
  ],
  flags: {
    wallet: {
      value: 'WALLET',
      about:
        'Another one, by its URI (satway help config set). Default: your configuration, then SATWAY_WALLET, then a running demo.',
    },
    json: { about: 'Write JSON, also to a terminal. A pipe gets JSON anyway.' },
  },
  operands: 0,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'the wallet answers'],
        ['1', 'no wallet is set up, or it answers and cannot pay'],
        ['2', 'the command line has a mistake'],
        ['7', 'the wallet cannot be opened, or does not answer'],
      ],
    },
  ],
  examples: ['satway wallet status', 'satway wallet status --json'],
  run: async (given) => (await import('../wallet-proxy/index.ts')).runWalletStatus(given),
}
