import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { formatMsat, msat } from 'satway'
import type { Given } from '../../cli/command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { Failure } from '../../cli/failure.ts'
import type { Screen } from '../../cli/screen.ts'
import { paragraph, table } from '../../cli/screen.ts'
import type { Desk } from '../../desk/index.ts'
import { openDesk, requireOperator, withJournal, writeOne } from '../../desk/index.ts'
import { createPrivateFile } from '../../keys/private-file.ts'
import type { PolicyView, SpendingView } from '../../schema/index.ts'
import { homeOf, makeHome, requireOwnHome } from '../home.ts'
import type { PolicyBook } from '../policy-book.ts'
import { openPolicyBook, policyViewOf, readPolicyFile } from '../policy-file.ts'
import type { FilePolicy } from '../policy-rules.ts'
import { policySchema } from '../policy-schema.ts'
import { formatMistake, formatMistakeIn } from '../settings-source.ts'
import { readSpending } from '../spending.ts'
import { policyRows } from './policy-rows.ts'
import { policyTemplate } from './policy-template.ts'

/** Runs `satway policy show`. */
export async function runPolicyShow(given: Given, desk: Desk = openDesk()): Promise<number> {
  const book = await openBook(desk)
  const view = book.view()
  writeOne(given, desk, view, () => renderPolicy(desk.screen, view, soundOrNone(book)))
  return view.inForce ? exitCodes.ok : exitCodes.failed
}

/** Runs `satway policy check`. */
export async function runPolicyCheck(given: Given, desk: Desk = openDesk()): Promise<number> {
  const [operand] = given.operands
  const file = operand === undefined ? homeOf(undefined, desk.environment).policyFile : operand
  const reading = await readPolicyFile(resolve(file))
  if (reading === undefined) throw new Failure(`There is no file ${file}.`)
  if ('value' in reading) {
    const view = policyViewOf(reading.value, file)
    writeOne(given, desk, view, () => renderSound(desk.screen, file, reading.value))
    return exitCodes.ok
  }
  const { mistakes } = reading
  const view = { ...policyViewOf(nothing, file), inForce: false, mistakes: mistakes.map(placed) }
  if (given.has('json')) desk.screen.write(`${JSON.stringify(view, null, 2)}\n`)
  else for (const mistake of mistakes) desk.notes.write(`${formatMistakeIn(file, mistake)}\n`)
  return exitCodes.failed
}

/** Runs `satway policy init`. */
export async function runPolicyInit(given: Given, desk: Desk = openDesk()): Promise<number> {
  requireOperator(desk, 'write a policy')
  const home = homeOf(undefined, desk.environment)
  const [file = home.policyFile] = given.operands
  if (existsSync(file)) throw isThere(file)
  if (given.operands.length === 0) makeHome(home)
  const isJson = file.endsWith('.json')
  const content = isJson ? `${JSON.stringify(startingPolicy, null, 2)}\n` : policyTemplate
  if (!createPrivateFile(file, content)) throw isThere(file)
  const { screen } = desk
  const counts = file === home.policyFile ? 'It is in force from now on.' : 'It is not in force.'
  screen.write(paragraph(screen, '', `Written: ${file}. ${counts}`))
  const see = file === home.policyFile ? 'show' : `check ${file}`
  screen.write(paragraph(screen, '', `Edit it, and see what it says: satway policy ${see}`))
  return exitCodes.ok
}

/** Runs `satway policy spending`. */
export async function runPolicySpending(given: Given, desk: Desk = openDesk()): Promise<number> {
  requireOwnHome(homeOf(undefined, desk.environment))
  const policy = await openBook(desk)
  const view = await withJournal(
    desk,
    () => readSpending({ journal: undefined, policy }, desk.now()),
    (journal) => readSpending({ journal, policy }, desk.now()),
  )
  writeOne(given, desk, view, () => renderSpending(desk.screen, view))
  return exitCodes.ok
}

/** Runs `satway policy schema`. */
export async function runPolicySchema(_given: Given, desk: Desk = openDesk()): Promise<number> {
  desk.screen.write(`${JSON.stringify(policySchema, null, 2)}\n`)
  return exitCodes.ok
}

/** What has no values at all: for a file that cannot be read. */
const nothing: FilePolicy = { maxPaymentMsat: msat(0n), maxTotalMsat: msat(0n) }

/** What is built in, as a file says it. */
const startingPolicy = {
  version: 1,
  per_payment: '1000 sat',
  per_hour: '5000 sat',
  per_day: '20000 sat',
  total: '100000 sat',
}

async function openBook({ environment }: Desk): Promise<PolicyBook> {
  const home = homeOf(undefined, environment)
  requireOwnHome(home)
  return await openPolicyBook(home)
}

function soundOrNone(book: PolicyBook): FilePolicy | undefined {
  return book.view().inForce ? book.current() : undefined
}

function isThere(file: string): Failure {
  return new Failure(`${file} is there already.`, { advice: 'Nothing was changed.' })
}

function placed(mistake: Parameters<typeof formatMistake>[0]): PolicyView['mistakes'][number] {
  return { path: mistake.path, message: formatMistake({ ...mistake, path: '' }) }
}

function renderPolicy(screen: Screen, view: PolicyView, policy: FilePolicy | undefined): string {
  const { file, mistakes } = view
  if (policy !== undefined) {
    const title = file ?? 'What is built in: there is no policy file'
    const advice = file === null ? '\nWrite one of your own: satway policy init\n' : ''
    return `${screen.bold(title)}\n${table(screen, policyRows(policy))}${advice}`
  }
  const lines = mistakes.map(({ path, message }) => {
    return paragraph(screen, '  ', path === '' ? message : `${path}: ${message}`, screen.bad)
  })
  return `${screen.bold(file ?? '')}\n${lines.join('')}Nothing is paid until this is right.\n`
}

function renderSound(screen: Screen, file: string, policy: FilePolicy): string {
  return `${screen.good('No mistakes.')} ${file} says:\n${table(screen, policyRows(policy))}`
}

function renderSpending(screen: Screen, view: SpendingView): string {
  const { settled, unknown, failed } = view.payments
  const amounts = table(screen, [
    ['in the last hour', spentOf(view, 'hour')],
    ['in the last day', spentOf(view, 'day')],
    ['in all', spentOf(view, 'total')],
    ['of that set aside', `${amountIn(view.heldMsat)}, for payments that have not ended`],
    ['payments', `${settled} settled, ${unknown} without an end, ${failed} failed`],
  ])
  const rest = view.inForce ? '' : `\n${screen.bad(nothingMore)}\n`
  if (view.byHost.length === 0) return `${amounts}${rest}`
  const hosts = view.byHost.map(({ host, spentMsat }) => [host, amountIn(spentMsat)] as const)
  return `${amounts}\n${screen.bold('By host')}\n${table(screen, hosts)}${rest}`
}

const nothingMore = 'Nothing may be spent: the policy is broken. See satway policy show'

function spentOf(view: SpendingView, span: 'hour' | 'day' | 'total'): string {
  const { spentMsat, limitMsat } = view[span]
  const spent = amountIn(spentMsat)
  if (!view.inForce) return spent
  return limitMsat === null ? `${spent}, no limit` : `${spent} of ${amountIn(limitMsat)}`
}

function amountIn(digits: string): string {
  return formatMsat(msat(BigInt(digits)))
}
