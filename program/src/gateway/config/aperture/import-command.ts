import { writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Given } from '../../../cli/command.ts'
import { exitCodes } from '../../../cli/exit-codes.ts'
import { Failure } from '../../../cli/failure.ts'
import { printable } from '../../../cli/printable.ts'
import type { Row, Screen } from '../../../cli/screen.ts'
import { openScreen, table } from '../../../cli/screen.ts'
import { renderMistake } from '../check.ts'
import { readConfigFile, reasonOf } from '../config-file.ts'
import type { Note } from './notes.ts'
import type { Translation } from './translate.ts'

/** Runs `satway config import`. */
export async function runConfigImport(given: Given): Promise<number> {
  const [file = ''] = given.operands
  const output = given.text('output')
  const target = output ?? 'satway.yaml'
  const { translateAperture } = await import('./translate.ts')
  const translation = translateAperture(readConfigFile(file), basename(file), {
    file: target,
    env: process.env,
  })
  if (!('yaml' in translation)) {
    const plain = { ...openScreen(process.stderr), interactive: false }
    const lines = translation.mistakes.map((one) => renderMistake(plain, file, one))
    throw new Failure(lines.join('').trimEnd())
  }
  if (output === undefined) process.stdout.write(translation.yaml)
  else write(output, translation.yaml)
  const screen = openScreen(process.stderr)
  screen.write(renderReport(screen, translation, output))
  return translation.services === 0 ? exitCodes.failed : exitCodes.ok
}

function write(file: string, text: string): void {
  try {
    // It may hold headers that were written out.
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    throw new Failure(`${file} cannot be written: ${reasonOf(error)}.`)
  }
}

type Translated = Extract<Translation, { readonly yaml: string }>

const titles: readonly (readonly [Note['kind'], string])[] = [
  ['danger', 'WAS OPEN TO EVERYBODY'],
  ['fill-in', 'To fill in'],
  ['changed', 'Carried over, with a difference'],
  ['left-out', 'Not carried over'],
  ['carried', 'Carried over'],
]

/** What became of each setting, the urgent first. */
export function renderReport(
  screen: Screen,
  { notes, mistakes, services }: Translated,
  output: string | undefined,
): string {
  const blocks = titles.flatMap(([kind, title]) => {
    const rows = notes.filter((note) => note.kind === kind).map(rowOf)
    if (rows.length === 0) return []
    const shown = kind === 'danger' ? screen.bad(title) : screen.bold(title)
    return [`${shown}\n${table(screen, rows)}`]
  })
  const name = output ?? 'satway.yaml'
  const left = mistakes.map((mistake) => renderMistake(screen, name, mistake)).join('')
  const check =
    left === ''
      ? `${screen.good(`\`satway config check ${name}\` passes.`)}\n`
      : `${screen.warn(`\`satway config check ${name}\` still says`)}\n${left}`
  const made = services === 1 ? '1 service' : `${services} services`
  return `${[...blocks, check].join('\n')}\n${made} translated${output === undefined ? '' : ` into ${output}`}.\n`
}

function rowOf({ path, message }: Note): Row {
  return [printable(path), printable(message)]
}
