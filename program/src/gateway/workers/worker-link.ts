import cluster from 'node:cluster'
import { L402Error } from 'satway'
import { limited } from './deadline.ts'
import type { Question, ToPrimary, ToWorker } from './messages.ts'
import { decodeLimits, isMessage } from './messages.ts'
import { canReusePort } from './port.ts'
import { RemotePayee } from './remote-payee.ts'
import type { PrimaryLink } from './workers.ts'

/**
 * Whether a primary started this process as a worker. (`NODE_UNIQUE_ID` in the environment does not
 * tell: Node takes it away before the program begins.)
 */
export function isWorkerProcess(): boolean {
  return cluster.isWorker
}

/** How long the primary may take to answer a worker's first word. */
const helloMs = 10_000
/** Longest message of an error that is sent to the primary, in characters. */
const maxMessage = 4096

/**
 * The worker's end of the channel. The process follows the primary from now on: signals that a
 * terminal or a supervisor sends to the whole group are left to the primary, and when the primary is
 * gone this process ends at once.
 *
 * @throws {L402Error} CONFIG_INVALID in a process that no primary started.
 * @throws {Error} when the primary does not answer.
 * @spec gateway.md R-WRK-2, R-WRK-4
 */
export async function workerLink(): Promise<PrimaryLink> {
  if (!isWorkerProcess()) {
    throw new L402Error('CONFIG_INVALID', { '1': 'a worker is started by its primary only' })
  }
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
  process.on('disconnect', () => process.exit(1))

  const inbox = openInbox()
  send({ kind: 'hello' })
  const welcome = await limited(inbox.welcome, helloMs)
  const payee = new RemotePayee({ limits: decodeLimits(welcome.wallet), send })
  const duties: Duties = {}
  inbox.open((message) => receive(message, payee, duties))
  return {
    payee,
    name: welcome.name,
    owner: welcome.owner,
    config: welcome.config,
    reusePort: canReusePort,
    ready: () => send({ kind: 'ready' }),
    onReload: (apply) => {
      duties.apply = apply
    },
    onReopen: (reopen) => {
      duties.reopen = reopen
    },
    onDrain: (drain) => {
      duties.drain = drain
    },
    onCollect: (collect) => {
      duties.collect = collect
    },
  }
}

type Duties = {
  apply?: (configText: string) => Promise<void>
  reopen?: () => void
  drain?: () => Promise<void>
  collect?: () => string
  isDraining?: boolean
}

type Welcome = Extract<ToWorker, { readonly kind: 'welcome' }>

/** Keeps what comes together with the welcome until it can be dealt with. */
function openInbox(): {
  readonly welcome: Promise<Welcome>
  open(deliver: (message: ToWorker) => void): void
} {
  const kept: ToWorker[] = []
  let deliver = (message: ToWorker): void => {
    // Stopped before it began.
    if (message.kind === 'drain' || message.kind === 'stop') process.exit(0)
    kept.push(message)
  }
  const welcome = new Promise<Welcome>((resolve) => {
    process.on('message', (value: unknown) => {
      if (!isMessage(value)) return
      const message = value as ToWorker
      if (message.kind === 'welcome') resolve(message)
      else deliver(message)
    })
  })
  return {
    welcome,
    open: (given) => {
      deliver = given
      for (const message of kept.splice(0)) given(message)
    },
  }
}

function receive(message: ToWorker, payee: RemotePayee, duties: Duties): void {
  switch (message.kind) {
    case 'ask':
      void answer(message.id, message.question, duties)
      return
    case 'reopen':
      duties.reopen?.()
      return
    case 'drain':
      void drain(duties)
      return
    case 'stop':
      process.exit(0)
      return
    default:
      payee.receive(message)
  }
}

async function answer(id: number, question: Question, duties: Duties): Promise<void> {
  try {
    send({ kind: 'done', id, text: await work(question, duties) })
  } catch (error) {
    const message = error instanceof Error ? error.message : 'failed'
    send({ kind: 'failed', id, message: message.slice(0, maxMessage) })
  }
}

async function work(question: Question, duties: Duties): Promise<string> {
  switch (question.kind) {
    case 'reload':
      if (duties.apply === undefined) throw new Error('the worker cannot reload yet')
      await duties.apply(question.config)
      return ''
    case 'collect':
      return duties.collect?.() ?? ''
    case 'ping':
      return ''
    default:
      return question satisfies never
  }
}

async function drain(duties: Duties): Promise<void> {
  if (duties.isDraining === true) return
  duties.isDraining = true
  try {
    await duties.drain?.()
    await sendLast(duties.collect?.() ?? '')
  } catch {
    process.exit(1)
  }
  process.exit(0)
}

/** Resolves when it is on its way: an exit would leave it behind. */
function sendLast(text: string): Promise<void> {
  return new Promise((resolve) => {
    const message: ToPrimary = { kind: 'last', text }
    if (process.send === undefined || !process.connected) resolve()
    else process.send(message, undefined, undefined, () => resolve())
  })
}

/** @throws {Error} when the channel is closed. */
function send(message: ToPrimary): void {
  if (process.send === undefined || !process.connected) throw new Error('the primary is gone')
  // With a callback a channel that breaks meanwhile is no event `error`; `disconnect` follows anyway.
  process.send(message, undefined, undefined, () => undefined)
}
