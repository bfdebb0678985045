import type { Screen } from '../cli/screen.ts'
import { paragraph } from '../cli/screen.ts'
import type { Instruction, Instructions } from './instructions.ts'

/** What to do while the demonstration stays up. Commands stand whole on one line each. */
export function renderInvitation(screen: Screen, { easy, byHand }: Instructions): string {
  const steps = (list: readonly Instruction[]): string =>
    list.map((step) => renderStep(screen, step)).join('')
  return (
    `\n${screen.bold('Now you, in a second terminal, in this directory')}\n` +
    paragraph(screen, '', 'This one shows what happens there. Ctrl-C ends it.', screen.dim) +
    `${steps(easy)}\n${screen.bold('The same by hand, one line after the other')}\n${steps(byHand)}\n` +
    paragraph(
      screen,
      '',
      'Secrets stay in files that only you can read, in a folder that goes when this ends.',
      screen.dim,
    ) +
    '\n'
  )
}

function renderStep(screen: Screen, { about, command }: Instruction): string {
  const line = about === undefined ? '' : paragraph(screen, '  # ', about, screen.dim)
  return `${line}  ${screen.name(command)}\n`
}
