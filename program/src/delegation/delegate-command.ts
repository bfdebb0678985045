import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { UsageMistake } from '../cli/failure.ts'
import { paragraph } from '../cli/screen.ts'
import type { Desk } from '../desk/index.ts'
import { openDesk, withJournal } from '../desk/index.ts'
import type { DelegatedToken } from '../schema/index.ts'
import { nothingBought } from '../tokens/index.ts'
import { chooseParent } from './choose-parent.ts'
import { makeDelegation } from './make-delegation.ts'
import { readRestrictions } from './read-restrictions.ts'

const forms = ['header', 'env', 'json'] as const

/** Runs `satway delegate`. */
export async function runDelegate(given: Given, desk: Desk = openDesk()): Promise<number> {
  const form = readForm(given)
  const name = given.text('token')
  if (name === undefined) throw new UsageMistake('--token is missing: which token to hand on')
  const nowSeconds = desk.now()
  const restrictions = readRestrictions(given, nowSeconds)
  const {
    token,
    name: did,
    warnings,
  } = await withJournal(desk, nothingBought, async (journal) => {
    const parent = await chooseParent(journal.tokens, name, nowSeconds)
    return makeDelegation(parent, restrictions, { nowSeconds, force: given.has('force') })
  })
  desk.screen.write(`${formatted(token, form)}\n`)
  for (const warning of warnings) note(desk, desk.notes.warn('note:'), warning)
  note(desk, desk.notes.warn('secret:'), aboutSecret(did))
  return exitCodes.ok
}

function readForm(given: Given): (typeof forms)[number] {
  const text = given.text('form') ?? (given.has('json') ? 'json' : 'header')
  const form = forms.find((known) => known === text)
  if (form !== undefined) return form
  throw new UsageMistake(`--form: expected ${forms.join(', ')}`)
}

function formatted(token: DelegatedToken, form: (typeof forms)[number]): string {
  if (form === 'json') return JSON.stringify(token, null, 2)
  if (form === 'env') return `export ${token.environment}`
  return `Authorization: ${token.authorization}`
}

function aboutSecret(name: string | undefined): string {
  const secret =
    'whoever has this can use it, and it holds the preimage of your payment. Give it to the one it is for, and to nobody else.'
  return name === undefined
    ? `${secret} Only the seller can revoke it: by the payment hash, which ends your own token as well.`
    : `${secret} The seller can revoke it by its delegation id, ${name}, or by the payment hash, which ends your own token as well.`
}

function note({ notes }: Desk, label: string, text: string): void {
  notes.write(paragraph(notes, `${label} `, text))
}
