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
    name: 'decode',
    usage: '[options] TEXT',
    about: 'Show what an invoice, a macaroon, a challenge or a credential says.',
    load: async () => (await import('./decode.ts')).decode,
  },
]

export const groups: readonly Group[] = [
  {
    name: 'config',
    about: 'Check a configuration of the gateway, or translate one of Aperture.',
    entries: async () => [
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
