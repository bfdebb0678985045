import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure, UsageMistake } from '../cli/failure.ts'
import type { Row, Screen } from '../cli/screen.ts'
import { openScreen, paragraph, table } from '../cli/screen.ts'
import { defaultKeyFile } from './default-file.ts'
import { removeKey, requireRemovable, rotateKeyFile, viewKeyFile } from './key-file.ts'
import { formatMode } from './private-file.ts'

const reloading =
  'A running gateway whose configuration names this file reads it when it reloads: `satway admin reload`, or SIGHUP.'

/** Runs `satway keys rotate`. */
export async function runKeysRotate(
  given: Given,
  screen: Screen = openScreen(process.stdout),
): Promise<number> {
  const file = given.text('file') ?? (await defaultKeyFile())
  const { kid, kids, isNew } = await rotateKeyFile(file, { create: given.has('create') })
  if (wantsJson(given, screen)) return json(screen, { file, kid, kids, mints: kid })
  const old = kids.slice(0, -1)
  if (isNew) {
    screen.write(
      paragraph(screen, '', `Made ${file} with key ${kid}. Keep it secret, and keep it.`),
    )
    return exitCodes.ok
  }
  const sold = `Tokens that were sold before (${old.length === 1 ? 'key' : 'keys'} ${old.join(', ')}) go on as they are.`
  for (const sentence of [`Added key ${kid} to ${file}.`, sold, reloading]) {
    screen.write(paragraph(screen, '', sentence))
  }
  return exitCodes.ok
}

/** Runs `satway keys list`. */
export async function runKeysList(
  given: Given,
  screen: Screen = openScreen(process.stdout),
): Promise<number> {
  const view = await viewKeyFile(given.text('file') ?? (await defaultKeyFile()))
  const mints = view.kids.at(-1)
  const mode = formatMode(view.mode)
  if (wantsJson(given, screen)) {
    const keys = view.kids.map((kid) => ({ kid, mints: kid === mints }))
    return json(screen, { file: view.file, mode, private: view.isPrivate, keys })
  }
  screen.write(`${screen.bold(view.file)}  ${screen.dim(`mode ${mode}`)}\n`)
  screen.write(
    table(
      screen,
      view.kids.map(
        (kid): Row => [`key ${kid}`, kid === mints ? 'mints and verifies' : 'verifies'],
      ),
    ),
  )
  if (view.isPrivate) return exitCodes.ok
  const warning = `Others can read or change it. Make it yours alone: chmod 600 ${view.file}`
  screen.write(paragraph(screen, '', warning, screen.warn))
  return exitCodes.ok
}

/** Runs `satway keys revoke`. */
export async function runKeysRevoke(
  given: Given,
  screen: Screen = openScreen(process.stdout),
): Promise<number> {
  const file = given.text('file') ?? (await defaultKeyFile())
  const kid = readKid(given.operands[0] ?? '')
  if (!given.has('yes')) {
    requireRemovable(file, (await viewKeyFile(file)).kids, kid)
    throw new Failure(`Every token that was sold under key ${kid} stops working by this.`, {
      exitCode: exitCodes.usage,
      advice: `Nothing was changed in ${file}. Add --yes to do it; to stop a single token: satway admin revoke ID`,
    })
  }
  const { kids } = await removeKey(file, kid)
  if (wantsJson(given, screen)) {
    return json(screen, { file, removed: kid, kids, mints: kids.at(-1) })
  }
  const dead = 'Every token that was sold under it is refused once the gateway has reloaded.'
  for (const sentence of [`Removed key ${kid} from ${file}.`, dead, reloading]) {
    screen.write(paragraph(screen, '', sentence))
  }
  return exitCodes.ok
}

function readKid(text: string): number {
  if (/^(?:0|[1-9]\d{0,2})$/.test(text) && Number(text) <= 255) return Number(text)
  throw new UsageMistake('KID: expected a number from 0 to 255, as `satway keys list` shows')
}

function wantsJson(given: Given, screen: Screen): boolean {
  return given.has('json') || !screen.interactive
}

function json(screen: Screen, value: unknown): number {
  screen.write(`${JSON.stringify(value, null, 2)}\n`)
  return exitCodes.ok
}
