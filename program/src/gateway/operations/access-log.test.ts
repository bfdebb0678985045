import { execFileSync, spawn } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccessLog } from './access-log.ts'
import type { ExchangeRecord } from './observer.ts'

const record: ExchangeRecord = {
  startedAtMs: Date.UTC(2026, 10, 25, 12, 0, 0, 7),
  durationMs: 12.3456,
  method: 'GET',
  path: '/v1/weather/berlin',
  host: 'api.example.com',
  protocol: 'http/1.1',
  status: 200,
  code: undefined,
  cause: undefined,
  clientAddress: '203.0.113.7',
  service: 'weather',
  route: 'GET /v1/weather/:city',
  tokenId: 'ab'.repeat(32),
  paymentHash: 'cd'.repeat(32),
  amountMsat: 10_000n,
  outcome: 'paid',
  end: 'done',
  requestBytes: 0,
  responseBytes: 512,
  wouldBe: undefined,
}

let folder: string
let files = 0

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'satway-access-log-'))
})

afterAll(() => rmSync(folder, { recursive: true }))

function open(access: 'json' | 'text' | 'off' = 'json') {
  const file = join(folder, `${files++}.log`)
  const problems: string[] = []
  const problem = (error: Error): void => {
    problems.push(error.message)
  }
  return { file, problems, log: createAccessLog({ access, file }, { problem }) }
}

function lines(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  expect(text === '' || text.endsWith('\n')).toBe(true)
  return text.split('\n').slice(0, -1)
}

/** How many lines are whole: one that is read while a batch is being written may end in the middle. */
function whole(file: string): number {
  return readFileSync(file, 'utf8').split('\n').length - 1
}

describe('R-OPS-5 one line for each exchange', () => {
  test('as JSON', async () => {
    const { log, file } = open()
    log.write(record)
    log.write({
      ...record,
      status: 402,
      code: 'ACCESS_PAYMENT_REQUIRED',
      cause: 'ACCESS_EXPIRED',
      outcome: 'dry-run',
      end: 'cut',
      wouldBe: 402,
      service: undefined,
      route: undefined,
      tokenId: undefined,
      paymentHash: undefined,
      amountMsat: undefined,
    })
    await log.close()
    expect(lines(file).map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        ts: '2026-11-25T12:00:00.007Z',
        method: 'GET',
        path: '/v1/weather/berlin',
        host: 'api.example.com',
        protocol: 'http/1.1',
        status: 200,
        ms: 12.346,
        client: '203.0.113.7',
        service: 'weather',
        route: 'GET /v1/weather/:city',
        token_id: 'ab'.repeat(32),
        payment_hash: 'cd'.repeat(32),
        amount_msat: 10_000,
        outcome: 'paid',
        end: 'done',
        request_bytes: 0,
        response_bytes: 512,
      },
      {
        ts: '2026-11-25T12:00:00.007Z',
        method: 'GET',
        path: '/v1/weather/berlin',
        host: 'api.example.com',
        protocol: 'http/1.1',
        status: 402,
        ms: 12.346,
        code: 'ACCESS_PAYMENT_REQUIRED',
        cause: 'ACCESS_EXPIRED',
        client: '203.0.113.7',
        outcome: 'dry-run',
        end: 'cut',
        request_bytes: 0,
        response_bytes: 512,
        would_be: 402,
      },
    ])
  })

  test('as text', async () => {
    const { log, file } = open('text')
    log.write({ ...record, tokenId: 'aa', paymentHash: 'bb' })
    log.write({
      ...record,
      path: '',
      status: 402,
      code: 'ACCESS_PAYMENT_REQUIRED',
      cause: 'ACCESS_EXPIRED',
      outcome: 'challenged',
      service: undefined,
      route: undefined,
      tokenId: undefined,
      paymentHash: undefined,
      amountMsat: undefined,
    })
    await log.close()
    expect(lines(file)).toEqual([
      '2026-11-25T12:00:00.007Z 203.0.113.7 GET api.example.com/v1/weather/berlin 200 12.346ms paid' +
        ' service=weather route="GET /v1/weather/:city" token_id=aa payment_hash=bb' +
        ' amount_msat=10000 in=0 out=512',
      '2026-11-25T12:00:00.007Z 203.0.113.7 GET api.example.com- 402 12.346ms challenged' +
        ' code=ACCESS_PAYMENT_REQUIRED cause=ACCESS_EXPIRED in=0 out=512',
    ])
  })

  test('off writes nothing and makes no file', async () => {
    const { log, file } = open('off')
    log.write(record)
    log.reopen()
    await log.close()
    expect(() => statSync(file)).toThrow('ENOENT')
    expect(log.lost()).toBe(0)
  })

  test('a file that cannot be opened is a mistake of the configuration', () => {
    const file = join(folder, 'no', 'such', 'folder.log')
    expect(() => createAccessLog({ access: 'json', file }, { problem: () => undefined })).toThrow(
      'log.file: cannot be opened (ENOENT)',
    )
  })

  test('it is appended to, and others cannot read it', async () => {
    const file = join(folder, 'old.log')
    writeFileSync(file, 'old\n', { mode: 0o600 })
    const log = createAccessLog({ access: 'json', file }, { problem: () => undefined })
    log.write(record)
    await log.close()
    expect(lines(file)).toHaveLength(2)
    const fresh = open()
    await fresh.log.close()
    expect(statSync(fresh.file).mode & 0o007).toBe(0)
  })
})

describe('R-OPS-6 no secret is ever in a line', () => {
  test('whatever else a record carries', async () => {
    const secrets = {
      authorization: 'L402 AgEDbHNhdAJ:0123456789abcdef',
      token: 'AgEDbHNhdAJ',
      preimage: 'f00d'.repeat(16),
      headers: { cookie: 'session=hunter2' },
      query: 'api_key=hunter2',
    }
    for (const access of ['json', 'text'] as const) {
      const { log, file } = open(access)
      log.write({ ...record, ...secrets, path: '/v1/x?api_key=hunter2' })
      await log.close()
      const text = readFileSync(file, 'utf8')
      for (const secret of ['L402 ', 'AgEDbHNhdAJ', 'f00df00d', 'hunter2', 'api_key', 'session']) {
        expect(text).not.toContain(secret)
      }
      expect(text).toContain('/v1/x')
    }
  })
})

describe('R-OPS-8 lines are written in batches', () => {
  test('within 100 ms, or as soon as there are 64 KiB', async () => {
    const { log, file } = open()
    log.write(record)
    expect(lines(file)).toEqual([])
    for (let waited = 0; waited < 200 && whole(file) === 0; waited++) await sleep(25)
    expect(lines(file)).toHaveLength(1)
    for (let i = 0; i < 400; i++) log.write(record)
    // Far sooner than the timer, but the machine may be loaded: what counts is that it comes.
    for (let waited = 0; waited < 200 && whole(file) < 401; waited++) await sleep(5)
    expect(lines(file)).toHaveLength(401)
    await log.close()
  })

  test('100 000 lines keep their order and none is lost', async () => {
    const { log, file, problems } = open()
    for (let i = 0; i < 100_000; i++) {
      log.write({ ...record, requestBytes: i })
      if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await log.close()
    const numbers = lines(file).map(
      (line) =>
        (JSON.parse(line) as ExchangeRecord & Record<'request_bytes', number>).request_bytes,
    )
    expect(numbers).toEqual(Array.from({ length: 100_000 }, (_, i) => i))
    expect([log.lost(), problems]).toEqual([0, []])
  })

  test('a process that exits without closing loses nothing', () => {
    const file = join(folder, 'exit.log')
    const program = `
      import { createAccessLog } from ${JSON.stringify(join(import.meta.dirname, 'access-log.ts'))}
      const log = createAccessLog(
        { access: 'text', file: ${JSON.stringify(file)} }, { problem: () => undefined })
      const record = ${JSON.stringify({ ...record, amountMsat: undefined })}
      for (let i = 0; i < 1000; i++) log.write(record)
      process.exit(3)`
    expect(() => execFileSync(process.execPath, ['--input-type=module', '-e', program])).toThrow()
    expect(lines(file)).toHaveLength(1000)
  })

  test('it keeps no process running', () => {
    const program = `
      import { createAccessLog } from ${JSON.stringify(join(import.meta.dirname, 'access-log.ts'))}
      createAccessLog({ access: 'json', file: undefined }, { problem: () => undefined })
        .write(${JSON.stringify({ ...record, amountMsat: undefined })})`
    const text = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    })
    expect(JSON.parse(text)).toMatchObject({ status: 200 })
  })
})

describe('R-OPS-9 after the file was moved away, a new one is made', () => {
  test('and no line is lost on the way', async () => {
    const { log, file } = open()
    for (let i = 0; i < 5000; i++) {
      log.write({ ...record, requestBytes: i })
      if (i === 2500) {
        renameSync(file, `${file}.1`)
        log.reopen()
      }
      if (i % 500 === 0) await sleep(2)
    }
    await log.close()
    const numbers = [...lines(`${file}.1`), ...lines(file)].map((line) => {
      return (JSON.parse(line) as { request_bytes: number }).request_bytes
    })
    expect(numbers).toEqual(Array.from({ length: 5000 }, (_, i) => i))
    expect(lines(file).length).toBeGreaterThan(0)
  })

  test('where none can be made, the old one goes on and the operator is told', async () => {
    const { log, file, problems } = open()
    log.write(record)
    renameSync(file, `${file}.1`)
    mkdirSync(file)
    log.reopen()
    log.write(record)
    await log.close()
    expect(lines(`${file}.1`)).toHaveLength(2)
    expect(problems).toEqual([expect.stringContaining('EISDIR')])
  })
})

describe('R-OPS-10 a slow or full disk costs lines, never time or memory', () => {
  test.runIf(process.platform === 'linux')('a full one: lines are counted as lost', async () => {
    const problems: string[] = []
    const log = createAccessLog(
      { access: 'json', file: '/dev/full' },
      { problem: (error) => problems.push(error.message) },
    )
    for (let i = 0; i < 10; i++) log.write(record)
    await log.close()
    expect(log.lost()).toBe(10)
    expect(problems).toEqual([expect.stringContaining('ENOSPC')])
  })

  test.runIf(process.platform === 'linux')(
    'a reader that does not read: memory is bounded, the program goes on, what it reads is whole',
    async () => {
      const program = `
        import { createAccessLog } from ${JSON.stringify(join(import.meta.dirname, 'access-log.ts'))}
        const log = createAccessLog(
          { access: 'json', file: undefined }, { problem: (e) => process.stderr.write(e.message + '\\n') })
        const record = ${JSON.stringify({ ...record, amountMsat: undefined })}
        const startedAt = performance.now()
        for (let i = 0; i < 40_000; i++) {
          log.write(record)
          if (i % 500 === 0) await new Promise((r) => setImmediate(r))
        }
        process.stderr.write(JSON.stringify({ lost: log.lost(), ms: performance.now() - startedAt }) + '\\n')
        await log.close()`
      const child = spawn(process.execPath, ['--input-type=module', '-e', program])
      let errors = ''
      child.stderr.on('data', (chunk: Buffer) => {
        errors += chunk.toString()
      })
      for (let waited = 0; waited < 2000 && !errors.includes('"ms"'); waited++) await sleep(10)
      const { lost, ms } = JSON.parse(errors.split('\n').at(-2)!) as { lost: number; ms: number }
      expect(lost).toBeGreaterThan(0)
      // Once for each batch at most, and a batch is what comes in 100 ms.
      const told = errors.match(/lines were dropped/g) ?? []
      expect(told.length).toBeGreaterThan(0)
      expect(told.length).toBeLessThanOrEqual(Math.ceil(ms / 100) + 1)
      let text = ''
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      await new Promise((resolve) => child.on('close', resolve))
      const read = text.split('\n').slice(0, -1)
      for (const line of read) expect(JSON.parse(line)).toMatchObject({ status: 200 })
      expect(read.length + lost).toBe(40_000)
    },
  )
})
