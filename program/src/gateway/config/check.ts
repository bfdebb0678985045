import type { Given } from '../../cli/command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { printable } from '../../cli/printable.ts'
import type { Screen } from '../../cli/screen.ts'
import { openScreen } from '../../cli/screen.ts'
import type { ConfigMistake } from './config.ts'
import { readConfigFile } from './config-file.ts'
import { readConfig } from './config-reader.ts'
import { goodsOf, renderGoods, renderSettings } from './goods.ts'
import type { ConfigReading } from './read.ts'

/** Runs `satway config check`. */
export async function runConfigCheck(given: Given): Promise<number> {
  const [file = ''] = given.operands
  const reading = await readConfig(readConfigFile(file), { file, env: process.env })
  const screen = openScreen(process.stdout)
  screen.write(given.has('json') ? renderJson(file, reading) : renderText(screen, file, reading))
  return 'mistakes' in reading ? exitCodes.failed : exitCodes.ok
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
    const lines = mistakes.map((mistake) => `${mistakeLine(file, mistake)}\n`).join('')
    return `${lines}\n${screen.bad(`${count(mistakes.length, 'mistake')} in ${file}`)}\n`
  }
  const { config, warnings } = reading
  const routes = config.services.reduce((sum, { routes }) => sum + routes.size, 0)
  const sizes = `${count(config.services.length, 'service')}, ${count(routes, 'route')}`
  const warned = warnings.map((warning) => `${mistakeLine(file, warning, 'warning: ')}\n`).join('')
  return [
    `${screen.good(`${file} is in order`)}: ${sizes}\n`,
    renderSettings(screen, config),
    ...(config.services.length === 0 ? [] : [renderGoods(screen, goodsOf(config))]),
    ...(warned === '' ? [] : [`${warned}\n${screen.warn(count(warnings.length, 'warning'))}\n`]),
  ].join('\n')
}

/** `satway.yaml:12:5  services[0].upstream  expected …`: what an editor can jump to. */
export function mistakeLine(file: string, mistake: ConfigMistake, before = ''): string {
  const { line, column, path, message } = mistake
  const place = line === undefined ? file : `${file}:${line}:${column}`
  const parts = [place, path, `${before}${message}`].filter((part) => part !== '')
  return printable(parts.join('  '))
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
