import type { Screen } from '../cli/screen.ts'
import { wrap } from '../cli/screen.ts'
import type { Instruction, Instructions } from './instructions.ts'

/** What to do while the demonstration stays up. Commands stand whole on one line each. */
export function renderInvitation(screen: Screen, instructions: Instructions): string {
  const { bold, dim } = screen
  return (
    `\n${bold('Now you, in a second terminal')} ${dim('(this one shows what happens; Ctrl-C ends it)')}\n` +
    instructions.easy.map((step) => renderStep(screen, step)).join('') +
    `\n${bold('The same by hand, one line after the other')}\n` +
    instructions.byHand.map((step) => renderStep(screen, step)).join('') +
    '\n' +
    note(
      screen,
      'Secrets stay in files that only you can read, in a folder that goes when this ends.',
    ) +
    '\n'
  )
}

function renderStep(screen: Screen, { about, command }: Instruction): string {
  return `  ${screen.dim(`# ${about}`)}\n  ${screen.name(command)}\n`
}

function note(screen: Screen, text: string): string {
  return wrap(text, screen.width)
    .map((line) => `${screen.dim(line)}\n`)
    .join('')
}
