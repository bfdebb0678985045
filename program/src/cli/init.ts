import type { Command } from './command.ts'

/** `satway init`. */
export const init: Command = {
  name: 'init',
  usage: '[options] [FILE]',
  about: [
    'Writes a configuration of the gateway to begin with, satway.yaml unless FILE says otherwise: a small one that works, with everything else explained and ready to be switched on. Beside it a file with a fresh key for your tokens (satway.keys, yours alone). The keys, the state and the files of the admin API of another FILE are called after it (shop.keys, shop.db), so that two gateways share nothing but the default ports.',
    'Nothing is overwritten: not the configuration without --force, and the keys never.',
  ],
  flags: {
    wallet: {
      value: 'URI',
      about:
        'Who gets the money: devnet (default), or a wallet such as lnd://HOST?macaroon=file:/PATH&cert=file:/PATH. Its secret stands in a file of its own or in a variable, never in the configuration.',
    },
    force: { about: 'Replace the configuration when it is there already.' },
  },
  operands: 0,
  optionalOperands: 1,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'written'],
        ['1', 'not written; the message says why'],
        ['2', 'the command line has a mistake'],
      ],
    },
  ],
  examples: [
    'satway init',
    "satway init --wallet 'lnd://127.0.0.1:8080?macaroon=file:/run/secrets/receive.macaroon&cert=file:/run/secrets/tls.cert'",
    'satway init shop.yaml',
    'satway init --force shop/satway.yaml',
  ],
  run: async (given) => (await import('../gateway/config/index.ts')).runInit(given),
}
