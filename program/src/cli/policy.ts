import type { Command, Flag } from './command.ts'
import type { Summary } from './help.ts'

const json: Flag = { about: 'Write JSON, also to a terminal. A pipe gets JSON anyway.' }
const exits = (one: string): Command['sections'] => [
  {
    title: 'Exit codes',
    rows: [
      ['0', 'done'],
      ['1', one],
      ['2', 'the command line has a mistake'],
    ],
  },
]

/** `satway policy show`. */
export const policyShow: Command = {
  name: 'policy show',
  usage: '[options]',
  about: [
    'Shows what may be paid: what is in force at this moment, and which file says so. That is policy.yaml (or policy.json) in ~/.satway, SATWAY_HOME names another folder, SATWAY_POLICY another file. Without a file, what is built in is in force.',
    'While the file has a mistake, is gone, or can be changed by others, nothing is paid.',
  ],
  flags: { json },
  operands: 0,
  sections: exits('the file has mistakes, and nothing is paid'),
  examples: ['satway policy show'],
  run: async (given) => (await import('../agent/commands/index.ts')).runPolicyShow(given),
}

/** `satway policy check`. */
export const policyCheck: Command = {
  name: 'policy check',
  usage: '[options] [FILE]',
  about: [
    'Lists every mistake of a policy file with its line and column. FILE is the one in force unless another is named: check a new one before you put it in place.',
  ],
  flags: { json },
  operands: 0,
  optionalOperands: 1,
  sections: exits('there are mistakes, or the file cannot be read'),
  examples: ['satway policy check new-policy.yaml'],
  run: async (given) => (await import('../agent/commands/index.ts')).runPolicyCheck(given),
}

/** `satway policy init`. */
export const policyInit: Command = {
  name: 'policy init',
  usage: '[options] [FILE]',
  about: [
    'Writes a policy to begin with: what is built in, and everything else explained and ready to be switched on. Mode 0600, and never over a file that is there.',
  ],
  flags: {},
  operands: 0,
  optionalOperands: 1,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'written'],
        ['1', 'not written; the message says why'],
        ['2', 'the command line has a mistake'],
        ['3', 'refused: SATWAY_AGENT is set'],
      ],
    },
  ],
  examples: ['satway policy init', 'satway policy init strict.yaml'],
  run: async (given) => (await import('../agent/commands/index.ts')).runPolicyInit(given),
}

/** `satway policy spending`. */
export const policySpending: Command = {
  name: 'policy spending',
  usage: '[options]',
  about: [
    'Shows what was spent in the last hour, the last day and in all, fees included, what is set aside for payments that have not ended, and how much of each limit that is.',
  ],
  flags: { json },
  operands: 0,
  sections: exits('the journal cannot be used'),
  examples: ['satway policy spending', 'satway policy spending --json'],
  run: async (given) => (await import('../agent/commands/index.ts')).runPolicySpending(given),
}

/** `satway policy schema`. */
export const policySchema: Command = {
  name: 'policy schema',
  usage: '',
  about: [
    'Writes the JSON Schema of a policy file, for an editor: put it in a file, and a line `# yaml-language-server: $schema=FILE` at the top of the policy.',
  ],
  flags: {},
  operands: 0,
  sections: exits('it could not be written'),
  examples: ['satway policy schema'],
  run: async (given) => (await import('../agent/commands/index.ts')).runPolicySchema(given),
}

/** The commands of this file, for the overview. */
export const policyCommands: readonly (Summary & { load(): Promise<Command> })[] = [
  {
    name: 'policy show',
    usage: '[options]',
    about: 'Show what may be paid, and which file says so.',
    load: async () => policyShow,
  },
  {
    name: 'policy check',
    usage: '[options] [FILE]',
    about: 'List every mistake of a policy file, with its place.',
    load: async () => policyCheck,
  },
  {
    name: 'policy init',
    usage: '[options] [FILE]',
    about: 'Write a commented policy to begin with.',
    load: async () => policyInit,
  },
  {
    name: 'policy spending',
    usage: '[options]',
    about: 'Show what was spent, and what is left of each limit.',
    load: async () => policySpending,
  },
  {
    name: 'policy schema',
    usage: '',
    about: 'Write the JSON Schema of a policy file.',
    load: async () => policySchema,
  },
]
