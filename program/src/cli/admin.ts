import { adminLedgerCommands } from './admin-ledger.ts'
import { adminMacaroon } from './admin-macaroon.ts'
import { adminServiceCommands } from './admin-services.ts'
import { adminTokenCommands } from './admin-tokens.ts'
import type { Command } from './command.ts'
import type { Summary } from './help.ts'

type Entry = Summary & { load(): Promise<Command> }

/** The commands that steer a running gateway, for the overview. */
export const adminCommands: readonly Entry[] = [
  ...adminLedgerCommands,
  ...adminServiceCommands,
  ...adminTokenCommands,
  adminMacaroon,
].map(toEntry)

function toEntry({ command, about }: { readonly command: Command; readonly about: string }): Entry {
  return { name: command.name, usage: command.usage, about, load: async () => command }
}
