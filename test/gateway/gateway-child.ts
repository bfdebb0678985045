// A gateway in a process of its own, for tests that look at its memory.
import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openStage, payFor } from './stage.ts'

export type GatewayChild = {
  readonly port: number
  readonly url: string
  /** Pays a challenge, as `payFor` does. */
  pay(challenge: string): Promise<string>
  /** Resident memory in bytes, and the most there was since the last time it was asked. */
  memory(): Promise<{ readonly now: number; readonly peak: number }>
  close(): Promise<void>
}

type Question = { readonly kind: 'pay'; readonly challenge: string } | { readonly kind: 'memory' }

/** Starts one. @param text - As for `openStage`. */
export async function startGatewayChild(text: string): Promise<GatewayChild> {
  const child = fork(fileURLToPath(import.meta.url), ['serve', text], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const started = await answerOf<{ port: number; url: string }>(child)
  return {
    ...started,
    pay: (challenge) => ask(child, { kind: 'pay', challenge }),
    memory: () => ask(child, { kind: 'memory' }),
    async close() {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

/** One question at a time. */
async function ask<T>(child: ChildProcess, question: Question): Promise<T> {
  child.send(question)
  return await answerOf(child)
}

async function answerOf<T>(child: ChildProcess): Promise<T> {
  const over = new AbortController()
  const end = (): void => over.abort(new Error('the gateway ended'))
  child.once('exit', end)
  try {
    const [answer] = (await once(child, 'message', { signal: over.signal })) as [T]
    return answer
  } finally {
    child.off('exit', end)
  }
}

async function serve(text: string): Promise<void> {
  const stage = await openStage(text)
  let peak = 0
  setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 20)
  process.on('message', async (question: Question) => {
    if (question.kind === 'pay') {
      process.send!(await payFor(stage.buyer, question.challenge))
      return
    }
    globalThis.gc?.()
    const now = process.memoryUsage.rss()
    process.send!({ now, peak: Math.max(peak, now) })
    peak = 0
  })
  process.on('disconnect', () => void stage.close().finally(() => process.exit()))
  process.send!({ port: stage.port, url: stage.url })
}

if (process.argv[2] === 'serve') await serve(process.argv[3] ?? '')
