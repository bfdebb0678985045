import { createHash } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { msat } from 'satway'
import type { Proposal } from 'satway/client'
import type { Approval, ApprovalState, Approvals } from 'satway/journal'
import { describe, expect, test } from 'vitest'
import type { Terminal, TerminalAnswer } from './approver.ts'
import { createApprover } from './approver.ts'
import { openTerminal, questionOf, readAnswer, terminalOf } from './terminal.ts'

const proposal: Proposal = {
  askedBecause: 'amount',
  origin: 'https://api.example',
  method: 'GET',
  url: 'https://api.example/v1/weather?key=hunter2',
  amountMsat: msat(10_000n),
  maxFeeMsat: msat(5_000n),
  payee: `02${'ab'.repeat(32)}`,
  paymentHash: 'cd'.repeat(32),
  description: 'weather',
  capability: 'weather',
  bodySha256: undefined,
  bodyBytes: undefined,
}

/** The queue of one question, as the journal keeps it. */
function openQueue(): Approvals & {
  state(): ApprovalState | undefined
  asked: number
  looked: number
} {
  let state: ApprovalState | undefined
  const question = (): Approval => ({
    id: 'abcd2345',
    state: state ?? 'pending',
    proposal,
    createdAtSeconds: 0,
    expiresAtSeconds: 3600,
    decidedAtSeconds: undefined,
  })
  const queue = {
    asked: 0,
    looked: 0,
    state: () => state,
    ask: async () => {
      queue.asked += 1
      if (state === 'approved') {
        state = 'used'
        return { status: 'approved', id: 'abcd2345' } as const
      }
      if (state === 'denied') return { status: 'denied', id: 'abcd2345' } as const
      state = 'pending'
      return { status: 'pending', id: 'abcd2345' } as const
    },
    decide: async (_id: string, answer: 'approved' | 'denied') => {
      if (state !== 'pending') throw new RangeError('not open')
      state = answer
      return question()
    },
    find: async () => {
      queue.looked += 1
      return state === undefined ? undefined : question()
    },
    list: async () => [],
  }
  return queue
}

/** For what takes as long as this machine takes. */
const patient = { timeout: 20_000 }
const nobody: Terminal = { ask: async () => undefined }
const somebody = (answer: TerminalAnswer): Terminal => ({ ask: async () => answer })
const never: Terminal = {
  ask: () => {
    throw new Error('nobody was to be asked')
  },
}

describe('R-AGT-31 an answer of the queue', () => {
  test('that was given before counts, and nobody is asked again', async () => {
    for (const kind of ['terminal', 'queue'] as const) {
      const approvals = openQueue()
      await approvals.ask(proposal, 0)
      await approvals.decide('abcd2345', 'approved', 0)
      expect(await createApprover({ ask: { kind }, approvals, terminal: never })(proposal)).toBe(
        true,
      )
      expect(approvals.state()).toBe('used')
      const denied = openQueue()
      await denied.ask(proposal, 0)
      await denied.decide('abcd2345', 'denied', 0)
      const ask = createApprover({ ask: { kind }, approvals: denied, terminal: never })
      expect(await ask(proposal)).toBe(false)
    }
  })

  test('is not waited for without a time to wait', async () => {
    const approvals = openQueue()
    const ask = createApprover({ ask: { kind: 'queue' }, approvals, terminal: never })
    expect(await ask(proposal)).toEqual({ pendingId: 'abcd2345' })
  })
})

describe('R-AGT-32 a call that waits', () => {
  for (const [answer, approved] of [
    ['approved', true],
    ['denied', false],
  ] as const) {
    test(`goes on when the operator has ${answer}`, async () => {
      const approvals = openQueue()
      const ask = createApprover({
        ask: { kind: 'queue', waitSeconds: 60 },
        approvals,
        terminal: never,
      })
      const answered = ask(proposal)
      await expect.poll(() => approvals.looked, patient).toBeGreaterThan(0)
      await approvals.decide('abcd2345', answer, 0)
      expect(await answered).toBe(approved)
    })
  }

  test('gives up after its time, and the question stays', async () => {
    const approvals = openQueue()
    const waits: unknown[] = []
    const ask = createApprover({
      waits: (...wait) => waits.push(wait),
      ask: { kind: 'queue', waitSeconds: 0.3 },
      approvals,
      terminal: never,
    })
    const startedAt = performance.now()
    expect(await ask(proposal)).toEqual({ pendingId: 'abcd2345' })
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290)
    expect(waits).toEqual([['abcd2345', 0.3]])
    expect(approvals.state()).toBe('pending')
  })

  test('as long as the configuration says where the call says nothing', async () => {
    const ask = createApprover({
      ask: { kind: 'queue' },
      approvals: openQueue(),
      terminal: never,
      waitSeconds: 0.3,
    })
    const startedAt = performance.now()
    await ask(proposal)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290)
  })

  test('never longer than the call itself has left', async () => {
    for (const left of [0.1, 0, -1]) {
      const ask = createApprover({
        ask: { kind: 'queue', waitSeconds: 3600, mostSeconds: () => left },
        approvals: openQueue(),
        terminal: never,
      })
      expect(await ask(proposal)).toEqual({ pendingId: 'abcd2345' })
    }
  })

  test('ends with its caller', async () => {
    const ask = createApprover({
      ask: { kind: 'queue', waitSeconds: 60 },
      approvals: openQueue(),
      terminal: never,
    })
    const controller = new AbortController()
    const answered = ask(proposal, controller.signal)
    controller.abort(new Error('enough'))
    await expect(answered).rejects.toThrow()
  })
})

describe('R-AGT-33 an answer at the terminal', () => {
  test('yes pays, and the queue says who allowed it', async () => {
    const approvals = openQueue()
    const ask = createApprover({ ask: { kind: 'terminal' }, approvals, terminal: somebody('yes') })
    expect(await ask(proposal)).toBe(true)
    expect(approvals.state()).toBe('used')
  })

  test('no is remembered', async () => {
    const approvals = openQueue()
    const ask = createApprover({ ask: { kind: 'terminal' }, approvals, terminal: somebody('no') })
    expect(await ask(proposal)).toBe(false)
    expect(approvals.state()).toBe('denied')
  })

  test('none leaves the question in the queue', async () => {
    for (const terminal of [somebody('unsure'), nobody]) {
      const approvals = openQueue()
      const ask = createApprover({ ask: { kind: 'terminal' }, approvals, terminal })
      expect(await ask(proposal)).toEqual({ pendingId: 'abcd2345' })
      expect(approvals.state()).toBe('pending')
    }
  })

  test('that comes after one in the queue does not count', async () => {
    const approvals = openQueue()
    const slow: Terminal = {
      ask: async () => {
        await approvals.decide('abcd2345', 'denied', 0)
        return 'yes'
      },
    }
    const ask = createApprover({ ask: { kind: 'terminal' }, approvals, terminal: slow })
    expect(await ask(proposal)).toBe(false)
  })
})

describe('R-AGT-30 a question at the terminal', () => {
  test('says what is to be paid, for what, to whom and why it is asked', () => {
    const text = questionOf({ ...proposal, bodySha256: 'ef'.repeat(32), bodyBytes: 24 })
    expect(text).toContain('Pay 10 sat to https://api.example? It costs more than')
    expect(text).toContain('at most    15 sat')
    expect(text).toContain('for        GET https://api.example/v1/weather?key=hunter2\n')
    expect(text.replace(/\n +/g, '')).toContain(`24 bytes, sha256${'ef'.repeat(32)}`)
    expect(text).toContain('sold as    “weather”')
    expect(text).toContain(proposal.payee)
    expect(text).toMatch(/Pay\? \[y\/N\] $/)
    expect(questionOf(proposal)).not.toContain('body')
  })

  test('shows the whole URL, wrapped, and says how much of a very long one is missing', () => {
    const tail = 'HIDDEN-TAIL?to=mallory'
    const url = `https://api.example/${'a'.repeat(300)}/${tail}`
    const text = questionOf({ ...proposal, url })
    expect(text.replace(/\n +/g, '')).toContain(`GET${url}sold as`)
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    const long = `${url}${'b'.repeat(2000)}`
    const rest = long.length + 'GET '.length - 2000
    const cut = questionOf({ ...proposal, url: long }).replace(/\s+/g, ' ')
    expect(cut).toContain(`… and ${rest} more characters, sha256 of the URL`)
    expect(cut).toContain(createHash('sha256').update(long).digest('hex'))
  })

  test('keeps strangers from writing on the screen', () => {
    const text = questionOf({
      ...proposal,
      description: '\u001b[2J\u202e',
      capability: 'a\nPay? y',
    })
    expect(text).not.toMatch(/[\u001b\u202e]/)
    expect(text.split('\n')).toHaveLength(7)
  })

  for (const [text, answer] of [
    ['y', 'yes'],
    [' YES ', 'yes'],
    ['n', 'no'],
    ['No', 'no'],
    ['', 'unsure'],
    ['yy', 'unsure'],
    ['yes please', 'unsure'],
    [undefined, 'unsure'],
  ] as const) {
    test(`takes ${JSON.stringify(text)} for ${answer}`, () => {
      expect(readAnswer(text)).toBe(answer)
    })
  }

  test('is put to nobody where an agent runs: it would answer itself', async () => {
    let connected = 0
    const connect = async (): Promise<undefined> => {
      connected++
    }
    for (const agent of ['1', 'yes']) {
      const terminal = terminalOf({ SATWAY_AGENT: agent }, connect)
      expect(await terminal.ask(proposal, undefined)).toBeUndefined()
    }
    expect(connected).toBe(0)
    await terminalOf({ SATWAY_AGENT: '0' }, connect).ask(proposal, undefined)
    expect(connected).toBe(1)
  })

  /** A terminal whose other end is here. */
  function openPair(): {
    readonly terminal: Terminal
    type(text: string): void
    shown(): string
    hangUp(): void
  } {
    let input = new PassThrough()
    let shown = ''
    const terminal = openTerminal(async () => {
      input = new PassThrough()
      const output = new PassThrough()
      output.on('data', (chunk: Buffer) => {
        shown += String(chunk)
      })
      return { input, output, close: () => undefined }
    })
    return {
      terminal,
      type: (text) => input.write(text),
      shown: () => shown,
      hangUp: () => input.end(),
    }
  }

  test('is answered by one line', async () => {
    const { terminal, type, shown } = openPair()
    const answered = terminal.ask(proposal, undefined)
    await expect.poll(shown, patient).toContain('[y/N]')
    type('y\n')
    expect(await answered).toBe('yes')
  })

  test('is asked one at a time', async () => {
    const { terminal, type, shown } = openPair()
    const first = terminal.ask(proposal, undefined)
    const second = terminal.ask({ ...proposal, origin: 'https://other.example' }, undefined)
    await expect.poll(shown, patient).toContain('[y/N]')
    expect(shown()).not.toContain('other.example')
    type('n\n')
    expect(await first).toBe('no')
    await expect.poll(shown, patient).toContain('other.example')
    type('y\n')
    expect(await second).toBe('yes')
  })

  test('ends unanswered when the terminal or the caller goes', async () => {
    const one = openPair()
    const answered = one.terminal.ask(proposal, undefined)
    await expect.poll(one.shown, patient).toContain('[y/N]')
    one.hangUp()
    expect(await answered).toBe('unsure')

    const other = openPair()
    const controller = new AbortController()
    const asked = other.terminal.ask(proposal, controller.signal)
    await expect.poll(other.shown, patient).toContain('[y/N]')
    controller.abort()
    expect(await asked).toBe('unsure')
    expect(other.shown()).toContain('nothing is paid now')
  })

  test('is not asked where there is no terminal', async () => {
    const terminal = openTerminal(async () => undefined)
    expect(await terminal.ask(proposal, undefined)).toBeUndefined()
  })
})
