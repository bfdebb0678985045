import type { Command, Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { UsageMistake } from '../cli/failure.ts'
import type { Desk } from '../desk/index.ts'
import { openDesk } from '../desk/index.ts'
import { describeCommand } from './describe-command.ts'

type Entry = {
  readonly name: string
  readonly usage: string
  readonly about: string
  load(): Promise<Command>
}

/** Runs `satway schema`. */
export async function runSchema(given: Given, desk: Desk = openDesk()): Promise<number> {
  const name = given.operands.join(' ').trim()
  if (given.has('all') && name !== '') {
    throw new UsageMistake('--all describes every command; name none')
  }
  desk.screen.write(`${JSON.stringify(await answer(name, given.has('all')), null, 2)}\n`)
  return exitCodes.ok
}

async function answer(name: string, all: boolean): Promise<unknown> {
  const entries = await allEntries()
  if (all) {
    const commands = await Promise.all(entries.map((entry) => entry.load()))
    return { commands: commands.map(describeCommand) }
  }
  if (name === '') {
    return { commands: entries.map(({ name, usage, about }) => ({ name, usage, about })) }
  }
  const entry = entries.find((candidate) => candidate.name === name)
  if (entry !== undefined) return describeCommand(await entry.load())
  throw new UsageMistake(`there is no command ${JSON.stringify(name.slice(0, 40))}`)
}

async function allEntries(): Promise<readonly Entry[]> {
  const { entries, groups } = await import('../cli/commands.ts')
  const grouped = await Promise.all(groups.map((group) => group.entries()))
  return [...entries, ...grouped.flat()]
}
