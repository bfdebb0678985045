import { describe, expect, test } from 'vitest'
import { readCommandLine } from '../../program/src/cli/command.ts'
import { Failure, UsageMistake } from '../../program/src/cli/failure.ts'
import { mcp } from '../../program/src/cli/mcp.ts'
import { createCalls, waitSecondsLeft } from '../../program/src/mcp/calls.ts'
import { readSettings } from '../../program/src/mcp/settings.ts'

const asked = { signals: [], seconds: 60 }

function untilAborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(String((signal.reason as Error).message)))
  })
}

describe('R-MCP-4 a call ends when its caller wants it to', () => {
  test('and is told why', async () => {
    const calls = createCalls(2)
    const cancel = new AbortController()
    const done = calls.run({ signals: [cancel.signal], seconds: 60 }, ({ signal }) =>
      untilAborted(signal),
    )
    cancel.abort()
    expect(await done).toBe('The call was cancelled.')
    const gone = { signals: [AbortSignal.abort()], seconds: 60 }
    expect(await calls.run(gone, async ({ signal }) => signal.aborted)).toBe(true)
  })

  test('or when its time is over, unless the answer has begun', async () => {
    const calls = createCalls(2)
    const brief = { signals: [], seconds: 0.02 }
    expect(await calls.run(brief, ({ signal }) => untilAborted(signal))).toBe(
      'There was no answer within 0.02 s.',
    )
    const answered = calls.run(brief, async (patience) => {
      patience.answered()
      await new Promise((resolve) => setTimeout(resolve, 60))
      return patience.signal.aborted
    })
    expect(await answered).toBe(false)
  })
})

describe('R-MCP-5 calls are bounded, and ended in order', () => {
  test('one more than there may be is refused', async () => {
    const calls = createCalls(2)
    const wait = Promise.withResolvers<void>()
    const running = [1, 2].map(() => calls.run(asked, () => wait.promise))
    await expect(calls.run(asked, async () => 1)).rejects.toThrow(
      'There are 2 calls under way already.',
    )
    wait.resolve()
    await Promise.all(running)
    expect(await calls.run(asked, async () => 1)).toBe(1)
  })

  test('the end ends all, waits for what they write down, and takes no more', async () => {
    const calls = createCalls(2)
    const order: string[] = []
    const running = calls.run(asked, async ({ signal }) => {
      order.push(await untilAborted(signal))
      await new Promise((resolve) => setTimeout(resolve, 20))
      order.push('written down')
      throw new Error('x')
    })
    const failed = expect(running).rejects.toThrow('x')
    await calls.end()
    expect(order).toEqual(['The server stops.', 'written down'])
    await failed
    await expect(calls.run(asked, async () => 1)).rejects.toThrow(Failure)
  })
})

test('R-MCP-35 the person is waited for until two seconds before the end of the call', async () => {
  expect(waitSecondsLeft()).toBe(Number.POSITIVE_INFINITY)
  const calls = createCalls(2)
  const left = await Promise.all(
    [60, 2].map((seconds) => calls.run({ signals: [], seconds }, async () => waitSecondsLeft())),
  )
  expect(left[0]).toBeLessThanOrEqual(58)
  expect(left[0]).toBeGreaterThan(30)
  expect(left[1]).toBeLessThanOrEqual(0)
})

describe('R-MCP-54 others cannot reach it unless told', () => {
  const read = (...args: string[]): ReturnType<typeof readSettings> =>
    readSettings(readCommandLine(mcp, args), {})

  test('over standard input and output without --http', () => {
    expect(read()).toEqual({
      http: undefined,
      allowDelegate: false,
      wallet: undefined,
      credential: undefined,
    })
  })

  const taken: readonly (readonly [args: readonly string[], host: string, port: number])[] = [
    [['--http', '8404'], '127.0.0.1', 8404],
    [['--http', '0'], '127.0.0.1', 0],
    [['--http', 'localhost:8404'], 'localhost', 8404],
    [['--http', '[::1]:8404'], '::1', 8404],
    [['--http', '127.0.0.2:65535'], '127.0.0.2', 65_535],
    [['--http', '0.0.0.0:8404', '--allow-host', 'agents.example'], '0.0.0.0', 8404],
  ]
  for (const [args, host, port] of taken) {
    test(args.join(' '), () => expect(read(...args).http).toMatchObject({ host, port }))
  }

  const refused: readonly (readonly string[])[] = [
    ['--http', '0.0.0.0:8404'],
    ['--http', '[::]:8404'],
    ['--http', '192.168.1.2:8404'],
    ['--http', 'example.com:8404'],
    ['--http', '::1:8404'],
    ['--http', '65536'],
    ['--http', '-1'],
    ['--http', ''],
    ['--http', '127.0.0.1:'],
    ['--http', 'http://127.0.0.1:8404'],
    ['--http', '[localhost]:8404'],
    ['--allow-host', 'agents.example'],
    ['--http', '8404', '--allow-host', 'https://agents.example'],
    ['--http', '8404', '--allow-host', 'agents.example:80'],
    ['--http', '8404', '--allow-host', '*'],
    ['extra'],
  ]
  for (const args of refused) {
    test(`${args.join(' ')} is refused`, () => expect(() => read(...args)).toThrow(UsageMistake))
  }

  test('a credential that was handed on takes the place of a wallet', () => {
    const given = (...args: string[]) => readCommandLine(mcp, args)
    const SATWAY_CREDENTIAL = 'https://api.example.com L402 x:y'
    expect(readSettings(given(), { SATWAY_CREDENTIAL }).credential).toBe(SATWAY_CREDENTIAL)
    expect(readSettings(given(), { SATWAY_CREDENTIAL: '' }).credential).toBeUndefined()
    expect(() => readSettings(given('--wallet', 'none'), { SATWAY_CREDENTIAL })).toThrow(
      UsageMistake,
    )
  })
})
