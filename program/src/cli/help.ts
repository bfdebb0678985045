import type { Command, Flag } from './command.ts'
import type { Row, Screen } from './screen.ts'
import { columns, table, wrap } from './screen.ts'

/** `satway help COMMAND`. */
export function renderHelp(screen: Screen, command: Command): string {
  const blocks = [`${usageLine(command)}\n`]
  for (const paragraph of command.about)
    blocks.push(`${wrap(paragraph, screen.width).join('\n')}\n`)
  const flags = Object.entries({ ...command.flags, help: { about: 'Show this page.' } })
  blocks.push(title(screen, 'Options') + table(screen, flags.map(flagRow)))
  for (const section of command.sections) {
    blocks.push(title(screen, section.title) + table(screen, section.rows))
  }
  const examples = command.examples.map((example) => renderExample(screen, example))
  if (examples.length > 0) blocks.push(title(screen, 'Examples') + examples.join(''))
  return blocks.join('\n')
}

/** `Usage: satway get [options] URL`. */
export function usageLine(command: Command): string {
  return `Usage: satway ${command.name} ${command.usage}`.trimEnd()
}

export type Summary = { readonly name: string; readonly usage: string; readonly about: string }

/** `satway --help`. */
export function renderOverview(
  screen: Screen,
  version: string,
  commands: readonly Summary[],
  groups: readonly Omit<Summary, 'usage'>[],
): string {
  const rows = [
    ...commands.map(({ name, usage, about }): Row => [`${name} ${usage}`, about]),
    ...groups.map(({ name, about }): Row => [`${name} …`, about]),
  ]
  const more: readonly Row[] = [
    ['help COMMAND', 'Show the options of a command.'],
    ['--version', 'Show the version.'],
  ]
  const all = [...rows, ...more]
  const width = Math.max(...all.map(([name]) => columns(name)))
  const aligned = all.map(([name, about]): Row => [name.padEnd(width), about])
  return [
    `satway ${version}: sell and buy APIs over Lightning\n`,
    `Usage: satway COMMAND [options]\n`,
    title(screen, 'Commands') + table(screen, aligned),
  ].join('\n')
}

/** A shell reads a command that goes on in the next line as one. */
function renderExample(screen: Screen, command: string): string {
  const goesOn = ' \\'
  const indent = '    '
  const lines = wrap(command, screen.width - indent.length - goesOn.length)
  return `  ${lines.join(`${goesOn}\n${indent}`)}\n`
}

function title(screen: Screen, text: string): string {
  return `${screen.bold(text)}\n`
}

function flagRow([name, flag]: readonly [string, Flag]): Row {
  const short = flag.short === undefined ? '' : `-${flag.short}, `
  const value = flag.value === undefined ? '' : ` ${flag.value}`
  return [`${short}--${name}${value}`, flag.about]
}
