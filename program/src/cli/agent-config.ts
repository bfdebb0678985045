import type { Command, Flag } from './command.ts'
import type { Summary } from './help.ts'
import { walletNames } from './wallet-names.ts'

const json: Flag = { about: 'Write JSON, also to a terminal. A pipe gets JSON anyway.' }
const names: Command['sections'][number] = {
  title: 'Settings',
  rows: [
    ['wallet', 'who pays, by its URI: see Wallets, or satway help config set'],
    ['key', 'where the key is that seals the journal: auto, keychain or file'],
    ['downloads', 'the only folder that tools of `satway mcp` write to'],
    ['downloads_max_mib', 'how much that folder may hold, in MiB; default 2048'],
    ['approval_wait_seconds', 'how long a call waits for `satway approvals approve`: 0 to 3600'],
  ],
}
const exits = (one: string, three = false): Command['sections'][number] => ({
  title: 'Exit codes',
  rows: [
    ['0', 'done'],
    ['1', one],
    ['2', 'the command line has a mistake'],
    ...(three ? ([['3', 'refused: SATWAY_AGENT is set']] as const) : []),
  ],
})
const unusable = 'the file has mistakes, or cannot be read'
const unwritten = 'nothing was changed; the message says why'

/** `satway config show`. */
export const configShow: Command = {
  name: 'config show',
  usage: '[options]',
  about: [
    'Shows the settings of the agent: config.yaml in ~/.satway, or in the folder that SATWAY_HOME names. They are no limits; those are the policy’s: satway policy show.',
  ],
  flags: { json },
  operands: 0,
  sections: [names, exits(unusable)],
  examples: ['satway config show'],
  run: async (given) => (await import('../agent/commands/index.ts')).runConfigShow(given),
}

/** `satway config path`. */
export const configPath: Command = {
  name: 'config path',
  usage: '',
  about: ['Writes where the settings of the agent are, whether the file is there or not.'],
  flags: {},
  operands: 0,
  sections: [exits(unusable)],
  examples: ['satway config path'],
  run: async (given) => (await import('../agent/commands/index.ts')).runConfigPath(given),
}

/** `satway config get`. */
export const configGet: Command = {
  name: 'config get',
  usage: 'NAME',
  about: ['Writes one setting of the agent. Writes nothing when it is not set.'],
  flags: {},
  operands: 1,
  sections: [names, exits('it is not set, or the file has mistakes')],
  examples: ['satway config get wallet'],
  run: async (given) => (await import('../agent/commands/index.ts')).runConfigGet(given),
}

/** `satway config set`. */
export const configSet: Command = {
  name: 'config set',
  usage: 'NAME VALUE',
  about: [
    'Sets one setting of the agent. The file is replaced in one step and keeps its comments. Secrets stand in no setting: the macaroon, rune, password, key or token of a wallet is named by the file or the variable that holds it. What it allows, and what it should: satway doctor.',
  ],
  flags: {},
  operands: 1,
  optionalOperands: 1,
  sections: [names, walletNames, exits(unwritten, true)],
  examples: [
    "satway config set wallet 'lnd://127.0.0.1:8080?macaroon=file:/home/me/pay.macaroon&cert=file:/home/me/.lnd/tls.cert'",
    'satway config set wallet devnet:/home/me/wallet.json',
    "satway config set wallet 'https://wallet.example/payinvoice?token=file:/home/me/wallet.token'",
    'satway config set approval_wait_seconds 60',
  ],
  run: async (given) => (await import('../agent/commands/index.ts')).runConfigSet(given),
}

/** `satway config unset`. */
export const configUnset: Command = {
  name: 'config unset',
  usage: 'NAME',
  about: ['Takes one setting of the agent out of the file: what is built in holds again.'],
  flags: {},
  operands: 1,
  sections: [names, exits(unwritten, true)],
  examples: ['satway config unset wallet'],
  run: async (given) => (await import('../agent/commands/index.ts')).runConfigUnset(given),
}

/** The commands of this file, for the overview. They join `config check` and `config import`. */
export const agentConfigCommands: readonly (Summary & { load(): Promise<Command> })[] = [
  {
    name: 'config show',
    usage: '[options]',
    about: 'Show the settings of the agent: wallet, key, downloads, approvals.',
    load: async () => configShow,
  },
  {
    name: 'config path',
    usage: '',
    about: 'Say where the settings of the agent are.',
    load: async () => configPath,
  },
  {
    name: 'config get',
    usage: 'NAME',
    about: 'Write one setting of the agent.',
    load: async () => configGet,
  },
  {
    name: 'config set',
    usage: 'NAME VALUE',
    about: 'Set one setting of the agent.',
    load: async () => configSet,
  },
  {
    name: 'config unset',
    usage: 'NAME',
    about: 'Take one setting of the agent out.',
    load: async () => configUnset,
  },
]
