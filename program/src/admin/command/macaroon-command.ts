import { attenuate, encodeToken } from 'satway/macaroon'
import type { Given } from '../../cli/command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { Failure, UsageMistake } from '../../cli/failure.ts'
import { relativeTime } from '../../cli/wording.ts'
import { createPrivateFile } from '../../keys/index.ts'
import { fingerprintOf, macaroonId } from '../permit.ts'
import { readMacaroonFile } from './macaroon-file.ts'
import { narrowed, restrictionsOf } from './restrictions.ts'
import type { Terminal } from './terminal.ts'
import { openTerminal } from './terminal.ts'

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/**
 * Runs `satway admin macaroon`: a narrower copy, made without asking anybody.
 *
 * @spec gateway.md R-ADM-26
 */
export async function runMacaroon(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const caveats = [...caveatsOf(given, terminal.now())]
  if (caveats.length === 0) {
    throw new UsageMistake('nothing to narrow: give --scope, --expires or --ip')
  }
  const { macaroon } = readMacaroonFile(given, terminal)
  const allowance = caveats.reduce(narrowed, restrictionsOf(macaroon))
  const copy = attenuate(macaroon, ...caveats)
  const text = encodeToken(copy)
  const facts = {
    id: macaroonId(copy),
    copy: fingerprintOf(copy, terminal.now()),
    scopes: allowance.scopes,
    expires_at:
      allowance.expiresAtSeconds === undefined
        ? null
        : new Date(allowance.expiresAtSeconds * 1000).toISOString(),
  }
  const output = given.text('output')
  if (output === undefined) {
    const asJson = given.has('json')
    const json = `${JSON.stringify({ ...facts, macaroon: text }, null, 2)}\n`
    terminal.screen.write(asJson ? json : `${text}\n`)
    return exitCodes.ok
  }
  if (!createPrivateFile(output, `${text}\n`)) {
    throw new Failure(`${output} is there already.`, { advice: 'Choose another name.' })
  }
  const life = facts.expires_at === null ? '' : `, ${ends(facts.expires_at, terminal.now())}`
  terminal.screen.write(
    given.has('json')
      ? `${JSON.stringify({ ...facts, file: output }, null, 2)}\n`
      : `Wrote ${output}: ${allowance.scopes.join(', ')}${life}. In the log of the gateway it is copy ${facts.copy}.\n`,
  )
  return exitCodes.ok
}

function* caveatsOf(given: Given, nowSeconds: number): Generator<string> {
  const scope = given.text('scope')
  const expires = given.text('expires')
  const ip = given.text('ip')
  if (scope !== undefined) yield `scope=${scope.replaceAll(' ', '')}`
  if (expires !== undefined) yield `expires=${nowSeconds + readDuration(expires)}`
  if (ip !== undefined) yield `ip=${ip}`
}

function readDuration(text: string): number {
  const [, count, unit = ''] = /^([1-9]\d{0,6})([smhd])$/.exec(text) ?? []
  if (count === undefined) {
    throw new UsageMistake('--expires: expected a time such as 30m, 12h or 7d')
  }
  return Number(count) * units[unit]!
}

function ends(moment: string, nowSeconds: number): string {
  return `ends ${relativeTime(moment, nowSeconds)}`
}
