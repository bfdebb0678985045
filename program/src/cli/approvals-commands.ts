import type { Command } from './command.ts'
import type { Summary } from './help.ts'
import { listingFlags } from './listing-flags.ts'

const done = ['0', 'done'] as const
const mistake = ['2', 'the command line has a mistake'] as const
const noQuestion = ['1', 'there is no such question'] as const

function exits(...rows: readonly (readonly [string, string])[]): Command['sections'] {
  return [{ title: 'Exit codes', rows }]
}

const json = { about: 'Write the question and its answer as JSON.' }

/** `satway approvals list`. */
export const approvalsList: Command = {
  name: 'approvals list',
  usage: '[options]',
  about: [
    'Shows payments that wait for your answer. A payment is asked about when your policy says so: it costs more than goes unasked, or the host is new. The cost includes the most that the route may take.',
  ],
  flags: { all: { about: 'Those too that were answered or have expired.' }, ...listingFlags },
  operands: 0,
  sections: exits(done, ['1', 'the journal cannot be used'], mistake),
  examples: ['satway approvals list', 'satway approvals list --all --json'],
  run: async (given) => (await import('../approvals/index.ts')).runApprovalsList(given),
}

/** `satway approvals approve`. */
export const approvalsApprove: Command = {
  name: 'approvals approve',
  usage: '[options] ID',
  about: [
    'Allows one payment: of the same method and URL, to the same payee, for no more than was asked. The call must be made again, and still keeps within every limit. What was denied can be approved as long as the denial holds.',
    'It is yours to decide, not your agent’s: where SATWAY_AGENT is set, it refuses. That is a fence and no wall: a program that runs as you can do what you can.',
  ],
  flags: { yes: { about: 'Do it without asking. Needed where there is no terminal.' }, json },
  operands: 1,
  sections: exits(
    done,
    noQuestion,
    ['2', 'the command line has a mistake, or --yes is missing'],
    ['3', 'refused: you said no, it is approved already, used or expired, or SATWAY_AGENT is set'],
  ),
  examples: ['satway approvals approve k7m2p9xq'],
  run: async (given) => (await import('../approvals/index.ts')).runApprove(given),
}

/** `satway approvals deny`. */
export const approvalsDeny: Command = {
  name: 'approvals deny',
  usage: '[options] ID',
  about: [
    'Refuses one payment. The same is not asked again until the answer expires. What was approved and is not used yet can be denied.',
  ],
  flags: { json },
  operands: 1,
  sections: exits(done, noQuestion, mistake, [
    '3',
    'refused: it is denied already, its approval is used, or it has expired',
  ]),
  examples: ['satway approvals deny k7m2p9xq'],
  run: async (given) => (await import('../approvals/index.ts')).runDeny(given),
}

/** The commands of this file, for the overview. */
export const approvalsCommands: readonly (Summary & { load(): Promise<Command> })[] = [
  {
    name: 'approvals list',
    usage: '[options]',
    about: 'Show payments that wait for your answer.',
    load: async () => approvalsList,
  },
  {
    name: 'approvals approve',
    usage: '[options] ID',
    about: 'Allow one payment.',
    load: async () => approvalsApprove,
  },
  {
    name: 'approvals deny',
    usage: '[options] ID',
    about: 'Refuse one payment.',
    load: async () => approvalsDeny,
  },
]
