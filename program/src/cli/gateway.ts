import type { Command } from './command.ts'

/** `satway gateway`. */
export const gateway: Command = {
  name: 'gateway',
  usage: '[options]',
  about: [
    'Puts an API behind Lightning: a reverse proxy that answers 402 with an invoice, and forwards what was paid for. The API behind it is not changed and sees no token.',
    'In one line, for a first look: --upstream and --price, on the embedded network, where no real money moves, or with --wallet for real. For more, write a configuration with `satway init` and give it with --config.',
    'SIGHUP reads the configuration again without touching open requests. SIGTERM and Ctrl-C finish what is open and stop; a second one stops at once.',
  ],
  flags: {
    upstream: { value: 'URL', about: 'The API to sell. Everything under it has one price.' },
    price: { value: 'AMOUNT', about: 'What a token costs: 10sat, 1500msat. With --upstream.' },
    wallet: {
      value: 'URI',
      about:
        'Who gets the money: devnet (default; no real money), or a wallet such as lnd://HOST?macaroon=file:/PATH&cert=file:/PATH, cln://, phoenixd://, nostr+walletconnect://, lnbits://, btcpay://, charge://, lnurl:NAME@HOST, or file:/PATH or env:NAME where that stands. With --upstream.',
    },
    'allow-spending': {
      about: 'Start although the credential of --wallet can spend. A gateway needs none that can.',
    },
    listen: {
      value: 'ADDRESS',
      about: 'Where to listen. Default 127.0.0.1:8402. With --upstream.',
    },
    admin: {
      value: 'ADDRESS',
      about: 'Where the admin API listens, or `off`. Default 127.0.0.1:8403. With --upstream.',
    },
    state: {
      value: 'FILE',
      about:
        'What must survive a restart. Default gateway.db in SATWAY_HOME, or in ~/.satway. With --upstream.',
    },
    config: { short: 'c', value: 'FILE', about: 'A configuration file, such as satway.yaml.' },
    workers: {
      value: 'NUMBER',
      about: 'How many processes serve requests: a number, or `auto` for one a core. Default 1.',
    },
    'dry-run': {
      about: 'Let everything through, and log what would have been charged. Makes no invoices.',
    },
    json: { about: 'Write what happens as JSON lines, also on a terminal.' },
  },
  operands: 0,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'stopped when it was asked to'],
        ['1', 'could not start, or could not go on; the message says why'],
        ['2', 'the command line has a mistake'],
      ],
    },
  ],
  examples: [
    'satway gateway --upstream http://127.0.0.1:3000 --price 10sat',
    "satway gateway --upstream http://127.0.0.1:3000 --price 10sat --wallet 'phoenixd://127.0.0.1:9740?password=file:/run/secrets/phoenixd'",
    'satway init && satway config check satway.yaml && satway gateway --config satway.yaml',
  ],
  run: async (given) => (await import('../gateway/run.ts')).runGateway(given),
}
