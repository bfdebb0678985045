import type { Given } from '../../cli/command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { printable } from '../../cli/printable.ts'
import type { Screen } from '../../cli/screen.ts'
import { columns, openScreen, wrap } from '../../cli/screen.ts'
import type { ConfigMistake } from './config.ts'
import { readConfigFile } from './config-file.ts'
import { readConfig } from './config-reader.ts'
import { goodsOf, renderGoods, renderSettings } from './goods.ts'
import type { ConfigReading } from './read.ts'
import { walletMistake } from './read.ts'
import type { Where } from './references.ts'

/** Runs `satway config check`. */
export async function runConfigCheck(given: Given): Promise<number> {
  const [file = ''] = given.operands
  const text = readConfigFile(file)
  const where = { file, env: process.env }
  const reading = await readConfig(text, where)
  const isOnline = given.has('online')
  const checked = 'mistakes' in reading ? reading : await withWallet(text, where, reading, isOnline)
  const screen = openScreen(process.stdout)
  screen.write(given.has('json') ? renderJson(file, checked) : renderText(screen, file, checked))
  return 'mistakes' in checked ? exitCodes.failed : exitCodes.ok
}

type Good = Exclude<ConfigReading, { readonly mistakes: unknown }>

/** What shows only when the wallet is opened, as a start would open it. */
async function withWallet(
  text: string,
  where: Where,
  reading: Good,
  isOnline: boolean,
): Promise<ConfigReading> {
  if (reading.config.wallet.kind === 'devnet') return reading
  const { checkNodeWallet } = await import('../wallet/index.ts')
  const found = await checkNodeWallet(reading.config.wallet, isOnline)
  if ('mistake' in found) return { mistakes: [walletMistake(text, found.mistake)] }
  const again = await readConfig(text, where, { limits: found.limits })
  if ('mistakes' in again) return again
  const warnings = found.warnings.map((warning) => walletMistake(text, warning))
  return { ...again, warnings: [...again.warnings, ...warnings] }
}

function renderJson(file: string, reading: ConfigReading): string {
  const facts =
    'mistakes' in reading
      ? { ok: false, file, mistakes: reading.mistakes, warnings: [], goods: [] }
      : { ok: true, file, mistakes: [], warnings: reading.warnings, goods: goodsOf(reading.config) }
  return `${JSON.stringify(facts, null, 2)}\n`
}

/** What `satway config check` shows. */
export function renderText(screen: Screen, file: string, reading: ConfigReading): string {
  if ('mistakes' in reading) {
    const { mistakes } = reading
    const lines = mistakes.map((mistake) => renderMistake(screen, file, mistake)).join('')
    return `${lines}\n${screen.bad(`${count(mistakes.length, 'mistake')} in ${file}`)}\n`
  }
  const { config, warnings } = reading
  const routes = config.services.reduce((sum, { routes }) => sum + routes.size, 0)
  const sizes = `${count(config.services.length, 'service')}, ${count(routes, 'route')}`
  const warned = warnings.map((one) => renderMistake(screen, file, one, 'warning: ')).join('')
  return [
    `${screen.good(`${file} is in order`)}: ${sizes}\n`,
    renderSettings(screen, config),
    ...(config.services.length === 0 ? [] : [renderGoods(screen, goodsOf(config))]),
    ...(warned === '' ? [] : [`${warned}\n${screen.warn(count(warnings.length, 'warning'))}\n`]),
  ].join('\n')
}

/** On one line, or wrapped at words where a person looks at it; under it the line it is about. */
export function renderMistake(
  screen: Screen,
  file: string,
  mistake: ConfigMistake,
  before = '',
): string {
  const line = mistakeLine(file, mistake, before)
  const source = renderSource(screen, mistake)
  if (!screen.interactive || columns(line) <= screen.width) return `${line}\n${source}`
  const { place, path } = placeOf(file, mistake)
  const head = path === '' ? place : `${place}  ${path}`
  const heads = columns(head) <= screen.width ? [head] : [place, path]
  const message = wrap(printable(`${before}${mistake.message}`), screen.width - 4)
  const wrapped = heads.flatMap((text) => wrap(printable(text), screen.width))
  const lines = [...wrapped, ...message.map((text) => `    ${text}`)]
  return `${lines.join('\n')}\n${source}`
}

/** The line with a mark under the column; of a long one the part around it. */
function renderSource(screen: Screen, { source, line = 0, column = 1 }: ConfigMistake): string {
  if (source === undefined) return ''
  const gutter = `  ${line} | `
  const width = Math.max(20, screen.width - gutter.length)
  const start = Math.max(0, column - Math.max(1, width - 20))
  const shown = source.slice(start, start + width).trimEnd()
  const mark = `${' '.repeat(gutter.length - 2)}| ${' '.repeat(column - 1 - start)}^`
  return `${screen.dim(gutter)}${printable(shown)}\n${screen.bad(mark)}\n`
}

/** `satway.yaml:12:5  services[0].upstream  expected …`: what an editor can jump to. */
export function mistakeLine(file: string, mistake: ConfigMistake, before = ''): string {
  const { place, path } = placeOf(file, mistake)
  const parts = [place, path, `${before}${mistake.message}`].filter((part) => part !== '')
  return printable(parts.join('  '))
}

function placeOf(
  file: string,
  { line, column, path }: ConfigMistake,
): { readonly place: string; readonly path: string } {
  return { place: line === undefined ? file : `${file}:${line}:${column}`, path }
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
