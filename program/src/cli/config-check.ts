import type { Command } from './command.ts'

/** `satway config check`. */
export const configCheck: Command = {
  name: 'config check',
  usage: '[options] FILE',
  about: [
    'Reads a configuration of the gateway as its start would, with every reference, and lists every mistake with its place. Where there is none, shows what will be sold where. Nothing is started, and without --online nothing is asked of the network.',
    'Of a mistake in the syntax only the first is shown, with its line: what follows it is mostly a consequence. Warnings are what can be meant so and is often a mistake. They do not change the exit code.',
  ],
  flags: {
    online: {
      about:
        'Ask the wallet too: whether it is there and ready, on the network that was named, and whether its credential can be paid and cannot spend. Moves no money.',
    },
    json: { about: 'Write JSON.' },
  },
  operands: 1,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'the gateway would start with it'],
        [
          '1',
          'it has mistakes, or cannot be read; with --online also: the wallet is not there or not to be used',
        ],
        ['2', 'the command line has a mistake'],
      ],
    },
  ],
  examples: ['satway config check satway.yaml', 'satway config check --online satway.yaml'],
  run: async (given) => (await import('../gateway/config/index.ts')).runConfigCheck(given),
}
