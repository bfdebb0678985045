import type { Command } from './command.ts'

/** `satway config import`. */
export const configImport: Command = {
  name: 'config import',
  usage: '[options] FILE',
  about: [
    'Translates a configuration of Aperture (aperture.yaml) into one of the gateway, and says on standard error what was carried over, what was not and why, and what is left to fill in. Nothing becomes wider than it was: what cannot be said exactly is left out, so that it is refused and not free.',
    'Writes to standard output unless -o says where. Aperture’s own file is not changed.',
  ],
  flags: {
    output: {
      short: 'o',
      value: 'FILE',
      about: 'Where to write. Never over a file that is there.',
    },
  },
  operands: 1,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'translated; the report says what to look at'],
        ['1', 'could not be read or written, or nothing of it can be sold'],
        ['2', 'the command line has a mistake'],
      ],
    },
  ],
  examples: ['satway config import aperture.yaml -o satway.yaml'],
  run: async (given) => (await import('../gateway/config/index.ts')).runConfigImport(given),
}
