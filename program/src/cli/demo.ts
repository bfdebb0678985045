import type { Command } from './command.ts'

/** `satway demo`. */
export const demo: Command = {
  name: 'demo',
  usage: '[options]',
  about: [
    'Runs all of L402 on this machine: an embedded development network with two nodes, an HTTP API with a paywall, and a buyer that asks, pays and gets its answer. Then it stays up, for you to buy from it out of a second terminal. No real money moves.',
    'Listens on the loopback address only. Writes the address of the buyer’s wallet to ~/.satway/devnet.json, readable by you alone, and removes it at the end.',
  ],
  flags: {
    once: { about: 'Stop after the purchase. The exit code says whether all of it worked.' },
    port: {
      value: 'PORT',
      about: 'Where the API listens. Default 8402, or any free port when that one is taken.',
    },
    json: { about: 'Write events as JSON, one a line, instead of the story.' },
  },
  operands: 0,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'every step worked'],
        ['1', 'one did not; the message says which'],
        ['2', 'the command line has a mistake'],
      ],
    },
  ],
  examples: [],
  run: async (given) => (await import('../demo/demo.ts')).runDemo(given),
}
