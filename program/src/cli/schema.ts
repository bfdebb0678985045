import type { Command } from './command.ts'

/** `satway schema`. */
export const schema: Command = {
  name: 'schema',
  usage: '[options] [COMMAND]',
  about: [
    'Describes commands for programs, as JSON: usage, flags, exit codes, the JSON Schema of what --json writes, and of what --params takes. Alone it lists the commands.',
  ],
  flags: { all: { about: 'Describe every command.' } },
  operands: 0,
  optionalOperands: 3,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'done'],
        ['2', 'the command line has a mistake, or there is no such command'],
      ],
    },
  ],
  examples: ['satway schema', 'satway schema tokens list'],
  run: async (given) => (await import('../published-schema/index.ts')).runSchema(given),
}
