import type { Command, Flag } from './command.ts'
import type { Summary } from './help.ts'

const file: Flag = {
  value: 'FILE',
  about: 'The key file. Default: the one that ./satway.yaml names, or else satway.keys.',
}
const json: Flag = { about: 'Write JSON, also to a terminal.' }
const exits: Command['sections'] = [
  {
    title: 'Exit codes',
    rows: [
      ['0', 'done'],
      ['1', 'the file cannot be used, or the key may not be removed; nothing was changed'],
      ['2', 'the command line has a mistake, or --yes is missing'],
    ],
  },
]

/** `satway keys rotate`. */
export const keysRotate: Command = {
  name: 'keys rotate',
  usage: '[options]',
  about: [
    'Adds a fresh random key at the end of the key file. From the next reload of the gateway on, it mints; the keys before it go on to verify, so that no token that was sold stops working.',
    'The file is replaced in one step and stays yours alone (0600). Two of these at once add two keys.',
  ],
  flags: {
    file,
    create: { about: 'Make the file, with its first key, when there is none.' },
    json,
  },
  operands: 0,
  sections: exits,
  examples: ['satway keys rotate', 'satway keys rotate --create --file satway.keys'],
  run: async (given) => (await import('../keys/index.ts')).runKeysRotate(given),
}

/** `satway keys list`. */
export const keysList: Command = {
  name: 'keys list',
  usage: '[options]',
  about: [
    'Shows the numbers of the keys, which of them mints, and the mode of the file. Never a key.',
  ],
  flags: { file, json },
  operands: 0,
  sections: exits,
  examples: ['satway keys list'],
  run: async (given) => (await import('../keys/index.ts')).runKeysList(given),
}

/** `satway keys revoke`. */
export const keysRevoke: Command = {
  name: 'keys revoke',
  usage: '[options] KID',
  about: [
    'Removes a key. Every token that was sold under it is refused once the gateway has reloaded, and its buyers have paid for nothing: for a key that leaked, or after the longest lifetime has passed.',
    'The key that mints cannot be removed: rotate first.',
  ],
  flags: {
    file,
    yes: { about: 'Do it. Without this, it only says what would happen.' },
    json,
  },
  operands: 1,
  sections: exits,
  examples: ['satway keys revoke 1 --yes'],
  run: async (given) => (await import('../keys/index.ts')).runKeysRevoke(given),
}

/** The commands of this file, for the overview. */
export const keysCommands: readonly (Summary & { load(): Promise<Command> })[] = [
  {
    name: 'keys rotate',
    usage: '[options]',
    about: 'Add a fresh key to the key ring; sold tokens go on.',
    load: async () => keysRotate,
  },
  {
    name: 'keys list',
    usage: '[options]',
    about: 'Show the numbers of the keys, and which mints.',
    load: async () => keysList,
  },
  {
    name: 'keys revoke',
    usage: '[options] KID',
    about: 'Remove a key, and end every token that was sold under it.',
    load: async () => keysRevoke,
  },
]
