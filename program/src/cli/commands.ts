import type { Command } from './command.ts'
import type { Summary } from './help.ts'

/** A command as the overview shows it. Its own file is loaded when it is asked for, and no other. */
export type Entry = Summary & { load(): Promise<Command> }

/** Commands of one first word. */
export type Group = {
  readonly name: string
  readonly about: string
  entries(): Promise<readonly Entry[]>
}

export const entries: readonly Entry[] = [
  {
    name: 'demo',
    usage: '[options]',
    about: 'Sell and buy on an embedded network: an API, its paywall, a buyer. No real money.',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'gateway',
    usage: '[options]',
    about: 'Put an API behind Lightning: a reverse proxy that asks for payment.',
    load: async () => (await import('./gateway.ts')).gateway,
  },
  {
    name: 'init',
    usage: '[options] [FILE]',
    about: 'Write a commented configuration of the gateway, and its keys.',
    load: async () => (await import('./init.ts')).init,
  },
  {
    name: 'get',
    usage: '[options] URL',
    about: 'Make one HTTP request; if the answer is 402, check the invoice, pay it, ask again.',
    load: async () => (await import('./get.ts')).get,
  },
  {
    name: 'resume',
    usage: '[options] [PAYMENT_HASH]',
    about: 'Finish a purchase whose end was unknown or that was not delivered; pays nothing.',
    load: async () => (await import('./resume.ts')).resume,
  },
  {
    name: 'delegate',
    usage: '--token ID|ORIGIN [options]',
    about: 'Make a narrower token for somebody else, who needs no wallet.',
    load: async () => (await import('./delegate.ts')).delegate,
  },
  {
    name: 'doctor',
    usage: '[options]',
    about: 'Check the wallet, the policy, the journal, the clock and file modes.',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'mcp',
    usage: '[options]',
    about: 'Serve tools to a model over MCP: it buys within your policy.',
    load: async () => (await import('./mcp.ts')).mcp,
  },
  {
    name: 'schema',
    usage: '[options] [COMMAND]',
    about: 'Describe commands for programs: flags, exit codes, JSON Schemas.',
    load: async () => (await import('./schema.ts')).schema,
  },
  {
    name: 'decode',
    usage: '[options] TEXT',
    about: 'Show what an invoice, a macaroon, a challenge or a credential says.',
    load: async () => (await import('./decode.ts')).decode,
  },
]

export const groups: readonly Group[] = [
  {
    name: 'policy',
    about: 'What may be spent, and what was.',
    entries: async () => (await import('./policy.ts')).policyCommands,
  },
  {
    name: 'tokens',
    about: 'What was bought: list, show, write off.',
    entries: async () => (await import('./tokens-commands.ts')).tokensCommands,
  },
  {
    name: 'receipts',
    about: 'What was decided and paid: list, verify, export.',
    entries: async () => (await import('./receipts-commands.ts')).receiptsCommands,
  },
  {
    name: 'approvals',
    about: 'Payments that wait for your answer.',
    entries: async () => (await import('./approvals-commands.ts')).approvalsCommands,
  },
  {
    name: 'wallet',
    about: 'Whether the wallet answers; serve it to other programs.',
    entries: async () => [
      {
        name: 'wallet status',
        usage: '[options]',
        about: 'Say which wallet pays, and whether it answers.',
        load: async () => (await import('./wallet-status.ts')).walletStatus,
      },
      {
        name: 'wallet serve',
        usage: '[options]',
        about: 'Let other programs of this machine pay invoices within your policy.',
        load: async () => (await import('./wallet-serve.ts')).walletServe,
      },
    ],
  },
  {
    name: 'config',
    about: 'Your own settings; and the gateway’s: check one, or translate one of Aperture.',
    entries: async () => [
      ...(await import('./agent-config.ts')).agentConfigCommands,
      {
        name: 'config check',
        usage: '[options] FILE',
        about: 'List every mistake with its place; show what will be sold where.',
        load: async () => (await import('./config-check.ts')).configCheck,
      },
      {
        name: 'config import',
        usage: '[options] FILE',
        about: 'Translate a configuration of Aperture, and say what could not be carried over.',
        load: async () => (await import('./config-import.ts')).configImport,
      },
    ],
  },
  {
    name: 'keys',
    about: 'The key ring that tokens are minted under: rotate, list, revoke.',
    entries: async () => (await import('./keys.ts')).keysCommands,
  },
  {
    name: 'admin',
    about: 'Steer a running gateway: services, tokens, revocations, revenue.',
    entries: async () => (await import('./admin.ts')).adminCommands,
  },
]
