import { decodeHex, formatCredential, preimage } from 'satway'
import type { StoredToken } from 'satway/client'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure, UsageMistake } from '../cli/failure.ts'
import { printable } from '../cli/printable.ts'
import type { Row } from '../cli/screen.ts'
import { table } from '../cli/screen.ts'
import { amountWords, relativeTime } from '../cli/wording.ts'
import type { Desk } from '../desk/index.ts'
import { openDesk, withJournal, writeOne } from '../desk/index.ts'
import { findToken } from './find-token.ts'
import { standingSentence, usesLeft, viewToken } from './token-view.ts'

/** Runs `satway tokens show`. */
export async function runTokensShow(given: Given, desk: Desk = openDesk()): Promise<number> {
  const [name = ''] = given.operands
  const reveals = given.has('reveal')
  if (reveals && given.has('json')) {
    throw new UsageMistake('--reveal writes a header line; it does not go with --json')
  }
  if (reveals && !desk.screen.interactive && !given.has('yes')) {
    throw new UsageMistake('--reveal writes a secret; into a pipe or a file only with --yes')
  }
  const token = await withJournal(desk, nothingBought, async (journal) => {
    return await findToken(journal.tokens, name)
  })
  if (reveals) {
    desk.screen.write(`Authorization: ${credentialOf(token)}\n`)
    return exitCodes.ok
  }
  writeOne(given, desk, viewToken(token), () => table(desk.screen, rowsOf(token, desk.now()), 0))
  return exitCodes.ok
}

/** @throws {Failure} */
export function nothingBought(): never {
  throw new Failure('Nothing was bought here yet.', {
    advice: 'SATWAY_HOME names the folder of another spender.',
  })
}

function credentialOf({ scheme, token, preimage: proof }: StoredToken): string {
  return formatCredential({ scheme, token, preimage: preimage(decodeHex(proof)) })
}

function rowsOf(token: StoredToken, nowSeconds: number): readonly Row[] {
  const view = viewToken(token)
  const what = [view.service, view.capability].filter((name) => name !== null).join(' · ')
  const uses = view.uses === null ? 'any number' : `${usesLeft(token)} of ${view.uses} left`
  return [
    ['Token', view.id],
    ['Origin', printable(view.origin)],
    ['Bought for', printable(view.target)],
    ['Opens', what === '' ? '(the token does not say)' : printable(what)],
    ['Standing', standingSentence(token, nowSeconds)],
    ['Bought', momentWords(view.boughtAt, nowSeconds)],
    ['Ends', view.validUntil === null ? 'not said' : momentWords(view.validUntil, nowSeconds)],
    ['Uses', uses],
    ['Price', `${amountWords(view.amountMsat)}, fee ${amountWords(view.feeMsat)}`],
    ['Payment hash', view.paymentHash],
    [
      'Enforces',
      view.enforces.length === 0 ? 'not published' : printable(view.enforces.join(', ')),
    ],
  ]
}

function momentWords(moment: string, nowSeconds: number): string {
  return `${relativeTime(moment, nowSeconds)} (${moment})`
}
