import type { Command } from './command.ts'

/** `satway wallet serve`. */
export const walletServe: Command = {
  name: 'wallet serve',
  usage: '[options]',
  about: [
    'Lets other programs of this machine pay invoices, within your policy and by the same journal: POST /payinvoice {"invoice": "…"} gives {"isPaid": true, "paymentPreimage": "…", "amount": 1008}. They need no key of your wallet, and an invoice is never paid twice, however often they ask.',
    'It listens on this machine alone, asks for the token in its token file (Authorization: Bearer), and refuses web pages. Your policy must say `invoices: true`.',
    'Ctrl-C and SIGTERM end it: what is under way is finished first, and how it ended is written down.',
  ],
  flags: {
    listen: {
      value: '[HOST:]PORT',
      about:
        'Where to listen: 127.0.0.1, [::1] or localhost. Port 0 takes a free one. Default 8405.',
    },
    'token-file': {
      value: 'FILE',
      about:
        'The bearer token, made where there is none (0600). Default wallet-token in SATWAY_HOME, or in ~/.satway.',
    },
    wallet: {
      value: 'WALLET',
      about:
        'Who pays, by its URI (satway help config set). Default: your configuration, then SATWAY_WALLET, then a running demo.',
    },
  },
  operands: 0,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'ended when it was told to'],
        ['1', 'could not start; the message says why'],
        ['2', 'the command line has a mistake'],
        ['3', 'the policy does not say `invoices: true`, or has a mistake'],
      ],
    },
  ],
  examples: ['satway wallet serve', 'satway wallet serve --listen 127.0.0.1:9000'],
  run: async (given) => (await import('../wallet-proxy/index.ts')).runWalletServe(given),
}
