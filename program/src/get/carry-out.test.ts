import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import type { FetchInit } from 'satway/client'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Failure, UsageMistake } from '../cli/failure.ts'
import type { CallReport } from '../schema/index.ts'
import type { Ask } from './carry-out.ts'
import { carryOut } from './carry-out.ts'
import { noProgress, outputFile, standardOutput } from './place/index.ts'

const root = mkdtempSync(join(tmpdir(), 'satway-get-'))
afterAll(() => rmSync(root, { recursive: true }))

let folder: string
let file: string
let count = 0
beforeEach(() => {
  folder = join(root, String(count++))
  mkdirSync(folder)
  file = join(folder, 'file')
})

const content = Array.from({ length: 40_000 }, (_, i) => `line ${i}\n`).join('')
const tag = '"v1"'
type Answer = (request: IncomingMessage, response: ServerResponse) => void

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** Answers each request with the next of these, and the last one from then on. */
async function serve(
  ...answers: readonly Answer[]
): Promise<{ url: URL; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = []
  const listener: RequestListener = (request, response) => {
    const answer = answers[Math.min(seen.length, answers.length - 1)]!
    seen.push(request)
    answer(request, response)
  }
  server = createServer(listener)
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { url: new URL(`http://127.0.0.1:${address.port}/file?key=secret`), seen }
}

/** All of it, or the rest that was asked for, as a file server does. */
const honest =
  (text = content, etag = tag): Answer =>
  (request, response) => {
    const offset = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    response.setHeader('etag', etag)
    if (offset === 0 || request.headers['if-range'] !== etag) {
      response.writeHead(200, { 'content-length': text.length }).end(text)
    } else if (offset >= text.length) {
      response.writeHead(416, { 'content-range': `bytes */${text.length}` }).end('no such range')
    } else {
      const range = `bytes ${offset}-${text.length - 1}/${text.length}`
      response.writeHead(206, { 'content-range': range }).end(text.slice(offset))
    }
  }

/** What a broken connection has brought but nobody has read yet is lost: waits until some of it is. */
async function whenWritten(size: number, act: () => void): Promise<void> {
  const isThere = (): boolean =>
    readdirSync(folder).some(
      (name) => name.endsWith('.part') && statSync(join(folder, name)).size > size,
    )
  while (!isThere()) await setTimeout(5)
  act()
}

/** The beginning of it, and a broken connection. */
const broken =
  (length: number, headers: Record<string, string> = { etag: tag }): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-length': content.length, ...headers })
    response.write(
      content.slice(0, length),
      () => void whenWritten(0, () => response.socket?.end()),
    )
  }

type Paid = { readonly outcome: CallReport['outcome']; readonly feeMsat: string | null }

/** The agent's part, without the payment: what it is told to do, and how it reports. */
function agent(paid: readonly Paid[] = []): { ask: Ask; inits: FetchInit[] } {
  const inits: FetchInit[] = []
  const ask: Ask = async (init, { sink }) => {
    const { l402: _, ...rest } = init
    const payment = paid[inits.length] ?? { outcome: 'not_paid', feeMsat: null }
    inits.push(init)
    const blank = { error: null, exitCode: 0, ...payment } as CallReport
    const failed = (exitCode: number, message: string): CallReport => ({
      ...blank,
      exitCode,
      error: { code: 'NETWORK', reason: null, message, advice: null },
    })
    try {
      const response = await fetch(url, rest)
      await sink?.write(response)
      const report = { ...blank, status: response.status }
      return response.ok ? report : { ...report, ...failed(22, 'status'), status: response.status }
    } catch (error) {
      return failed(7, String(error))
    }
  }
  return { ask, inits }
}

let url: URL
let shown: string

/** One run of the program, as far as the body goes. */
async function run(
  options: {
    readonly continues?: boolean
    readonly path?: string
    readonly paid?: readonly Paid[]
  } = {},
): Promise<{ report: CallReport; inits: FetchInit[]; kept: string | undefined }> {
  const { continues = true, path = file, paid = [] } = options
  const { ask, inits } = agent(paid)
  const place = await outputFile({ path, url, continues, progress: noProgress })
  shown = ''
  const output = new Writable({
    write: (chunk, _, done) => {
      shown += String(chunk)
      done()
    },
  })
  try {
    const init = { method: 'GET', l402: { pay: true } }
    const report = await carryOut(ask, init, place, standardOutput(output), () => undefined)
    return { report, inits, kept: place.kept() }
  } finally {
    await place.abandon()
  }
}

const names = (): readonly string[] => readdirSync(folder).sort()

describe('R-GET-3 a file', () => {
  test('gets its name when it is complete, and takes the place of an older one', async () => {
    writeFileSync(file, 'older', { mode: 0o640 })
    ;({ url } = await serve(honest()))
    const { report } = await run({ continues: false })
    expect(report).toMatchObject({ output: file, exitCode: 0 })
    expect(readFileSync(file, 'utf8')).toBe(content)
    expect(statSync(file).mode & 0o777).toBe(0o640)
    expect(names()).toEqual(['file'])
  })

  test('that a link leads to is written where it is', async () => {
    const target = join(folder, 'target')
    writeFileSync(target, 'older')
    symlinkSync(target, file)
    ;({ url } = await serve(honest('new')))
    await run({ continues: false })
    expect(readFileSync(target, 'utf8')).toBe('new')
    expect(lstatSync(file).isSymbolicLink()).toBe(true)
  })

  test('R-GET-2 is not made from the body of an error, which is shown', async () => {
    writeFileSync(file, 'older')
    ;({ url } = await serve((_, response) => response.writeHead(500).end('broken')))
    const { report } = await run({ continues: false })
    expect(report).toMatchObject({ output: null, exitCode: 22 })
    expect(shown).toBe('broken')
    expect(readFileSync(file, 'utf8')).toBe('older')
    expect(names()).toEqual(['file'])
  })

  test('may be empty', async () => {
    ;({ url } = await serve((_, response) => response.writeHead(204).end()))
    await run({ continues: false })
    expect(readFileSync(file, 'utf8')).toBe('')
  })

  for (const [what, path, kind] of [
    ['a folder', () => folder, Failure],
    ['in no folder', () => join(folder, 'none/file'), Failure],
    ['without a name', () => '', UsageMistake],
  ] as const) {
    test(`is refused before anything is sent: ${what}`, async () => {
      const { url: address, seen } = await serve(honest())
      url = address
      await expect(run({ path: path() })).rejects.toBeInstanceOf(kind)
      expect(seen.length).toBe(0)
      expect(names()).toEqual([])
    })
  }

  test('that is a device is written to, and never replaced', async () => {
    ;({ url } = await serve(honest()))
    await run({ continues: false, path: '/dev/null' })
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
    await expect(run({ path: '/dev/null' })).rejects.toBeInstanceOf(UsageMistake)
  })

  test('that the disk has no room for is told of by its name', async () => {
    if (!existsSync('/dev/full')) return
    ;({ url } = await serve(honest()))
    const { report } = await run({ continues: false, path: '/dev/full' })
    expect(report.error?.message).toMatch(/ENOSPC/)
  })
})

describe('R-GET-4 --continue', () => {
  for (const continues of [true, false]) {
    test(`goes on where a download broke off, begun with --continue: ${continues}`, async () => {
      const { url: address, seen } = await serve(broken(200_000), honest())
      url = address
      const first = await run({ continues })
      expect(first.report.exitCode).toBe(7)
      expect(first.kept).toBe(`${file}.part`)
      expect(names()).toEqual(['file.part', 'file.part.json'])
      expect(readFileSync(`${file}.part.json`, 'utf8')).not.toContain('secret')
      const size = statSync(`${file}.part`).size
      expect(size).toBeGreaterThan(0)

      const second = await run()
      expect(second.report).toMatchObject({ status: 206, output: file, exitCode: 0 })
      expect(seen[1]?.headers).toMatchObject({
        range: `bytes=${size}-`,
        'if-range': tag,
        'accept-encoding': expect.stringMatching(/^identity/),
      })
      expect(readFileSync(file, 'utf8')).toBe(content)
      expect(names()).toEqual(['file'])
    })
  }

  test('goes on by a date where there is no tag', async () => {
    const headers = {
      'last-modified': 'Wed, 21 Oct 2015 07:28:00 GMT',
      date: 'Wed, 21 Oct 2015 07:28:09 GMT',
    }
    const { url: address, seen } = await serve(broken(100_000, headers), (request, response) => {
      const offset = Number(/\d+/.exec(request.headers.range ?? '')?.[0])
      const range = `bytes ${offset}-${content.length - 1}/*`
      response.writeHead(206, { ...headers, 'content-range': range }).end(content.slice(offset))
    })
    url = address
    await run()
    await run()
    expect(seen[1]?.headers['if-range']).toBe(headers['last-modified'])
    expect(readFileSync(file, 'utf8')).toBe(content)
  })

  test('keeps nothing that cannot be gone on with', async () => {
    for (const headers of [{}, { etag: 'W/"v1"' }, { etag: tag, 'content-encoding': 'x-own' }]) {
      ;({ url } = await serve(broken(100_000, headers)))
      expect((await run()).kept).toBeUndefined()
      expect(names()).toEqual([])
      server?.close()
    }
  })

  test('takes no beginning of another URL', async () => {
    ;({ url } = await serve(broken(100_000)))
    await run()
    server?.close()
    const { url: other, seen } = await serve(honest('other'))
    url = other
    await run()
    expect(seen[0]?.headers.range).toBeUndefined()
    expect(readFileSync(file, 'utf8')).toBe('other')
    expect(names()).toEqual(['file'])
  })

  test('follows no link that somebody put there', async () => {
    ;({ url } = await serve(broken(100_000), honest()))
    await run()
    const precious = join(folder, 'precious')
    writeFileSync(precious, 'precious')
    rmSync(`${file}.part`)
    symlinkSync(precious, `${file}.part`)
    await run()
    expect(readFileSync(precious, 'utf8')).toBe('precious')
    expect(readFileSync(file, 'utf8')).toBe(content)
  })

  test('R-GET-7 finds what a process left that was killed, and nothing that one is writing', async () => {
    ;({ url } = await serve(broken(200_000), honest()))
    await run()
    // No process has this number: it is beyond the most that there are.
    const left = `${file}.4194305.part`
    const { renameSync } = await import('node:fs')
    renameSync(`${file}.part`, left)
    renameSync(`${file}.part.json`, `${left}.json`)
    // Of one that was killed before anything came.
    writeFileSync(`${file}.4194306.part`, '')
    // Somebody's own, and of the process that started this one, which is running.
    writeFileSync(`${file}.4194307.part`, 'own')
    writeFileSync(`${file}.${process.ppid}.part`, 'in use')
    expect((await run()).report.status).toBe(206)
    expect(readFileSync(file, 'utf8')).toBe(content)
    expect(names()).toEqual(['file', 'file.4194307.part', `file.${process.ppid}.part`].sort())
  })
})

describe('R-GET-5 what is not the rest of the file', () => {
  test('is taken as all of it, when it is all of it', async () => {
    ;({ url } = await serve(broken(200_000), honest('changed', '"v2"')))
    await run()
    const { report, inits } = await run()
    expect([report.status, inits.length]).toEqual([200, 1])
    expect(readFileSync(file, 'utf8')).toBe('changed')
    expect(names()).toEqual(['file'])
  })

  for (const [what, headers] of [
    ['begins elsewhere', { 'content-range': `bytes 1-9/${content.length}`, etag: tag }],
    ['does not say where it begins', { etag: tag }],
    ['is of another version', { etag: '"v2"' }],
    ['does not say of which version it is', { etag: '' }],
    ['is of another length', { etag: tag, length: 999_999 }],
    ['is packed', { etag: tag, 'content-encoding': 'x-own' }],
  ] as const) {
    test(`is left alone when it ${what}: once more, for all of it`, async () => {
      const { url: address, seen } = await serve(
        broken(200_000),
        (request, response) => {
          const offset = Number(/\d+/.exec(request.headers.range ?? '')?.[0])
          const { length = content.length, ...own } = headers as Record<string, string | number>
          const range = `bytes ${offset}-${Number(length) - 1}/${length}`
          const all: Record<string, string> = {}
          if (what !== 'does not say where it begins') all['content-range'] = range
          for (const [name, value] of Object.entries(own)) all[name] = String(value)
          if (all['etag'] === '') delete all['etag']
          response.writeHead(206, all).end('something else')
        },
        honest(),
      )
      url = address
      await run()
      const { report, inits } = await run()
      expect(inits.length).toBe(2)
      expect(report).toMatchObject({ status: 200, output: file, exitCode: 0 })
      expect(seen[2]?.headers.range).toBeUndefined()
      expect(readFileSync(file, 'utf8')).toBe(content)
      expect(names()).toEqual(['file'])
    })
  }

  test('is asked for once more, and then no more', async () => {
    const wrong: Answer = (_, response) =>
      response.writeHead(206, { 'content-range': 'bytes 1-1/2', etag: tag }).end('x')
    const { url: address, seen } = await serve(broken(200_000), wrong)
    url = address
    await run()
    await run()
    expect(seen.length).toBe(3)
  })

  test('is complete when the server has no more than is there', async () => {
    ;({ url } = await serve(broken(200_000), honest()))
    await run()
    writeFileSync(`${file}.part`, content)
    const { report } = await run()
    expect(report).toMatchObject({ status: 416, output: file, error: null, exitCode: 0 })
    expect(shown).toBe('')
    expect(readFileSync(file, 'utf8')).toBe(content)
    expect(names()).toEqual(['file'])
  })

  test('starts over when the server has less than is there', async () => {
    ;({ url } = await serve(
      broken(200_000),
      (_, response) => response.writeHead(416, { 'content-range': 'bytes */10' }).end(),
      honest(),
    ))
    await run()
    expect((await run()).report).toMatchObject({ status: 200, exitCode: 0 })
    expect(readFileSync(file, 'utf8')).toBe(content)
  })

  test('keeps the beginning when the server fails', async () => {
    ;({ url } = await serve(
      broken(200_000),
      (_, response) => response.writeHead(503).end('later'),
      honest(),
    ))
    await run()
    expect((await run()).report).toMatchObject({ status: 503, exitCode: 22 })
    expect(shown).toBe('later')
    expect(names()).toEqual(['file.part', 'file.part.json'])
    expect((await run()).report).toMatchObject({ status: 206, exitCode: 0 })
    expect(readFileSync(file, 'utf8')).toBe(content)
  })

  test('breaks off again and again, and is whole in the end', async () => {
    const piece: Answer = (request, response) => {
      const offset = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0)
      const end = Math.min(content.length, offset + 120_000)
      response.writeHead(206, {
        etag: tag,
        'content-range': `bytes ${offset}-${content.length - 1}/${content.length}`,
        'content-length': content.length - offset,
      })
      response.write(content.slice(offset, end), () => {
        if (end === content.length) response.end()
        else void whenWritten(offset, () => response.socket?.end())
      })
    }
    ;({ url } = await serve(broken(100_000), piece))
    let exitCode = 1
    for (let runs = 0; runs < 20 && exitCode !== 0; runs++) ({ exitCode } = (await run()).report)
    expect(exitCode).toBe(0)
    expect(readFileSync(file, 'utf8')).toBe(content)
  })

  test('is no end when the server sends less than the rest', async () => {
    ;({ url } = await serve(broken(200_000), (request, response) => {
      const offset = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0)
      const range = `bytes ${offset}-${offset + 9}/${content.length}`
      response.writeHead(206, { etag: tag, 'content-range': range })
      response.end(content.slice(offset, offset + 10))
    }))
    await run()
    const size = statSync(`${file}.part`).size
    const { report, kept } = await run()
    expect(report.exitCode).not.toBe(0)
    expect(kept).toBe(`${file}.part`)
    expect(statSync(`${file}.part`).size).toBe(size + 10)
  })
})

describe('R-GET-6 a download that starts over', () => {
  const paid: Paid = { outcome: 'paid_delivered', feeMsat: '1001' }
  const unpaid: Paid = { outcome: 'not_paid', feeMsat: null }
  const wrong: Answer = (_, response) =>
    response.writeHead(206, { 'content-range': 'bytes 1-1/2', etag: tag }).end('x')

  test('is not paid for again, and tells what was paid', async () => {
    ;({ url } = await serve(broken(200_000), wrong, honest()))
    await run()
    const { report, inits } = await run({ paid: [paid, unpaid] })
    expect(inits.map(({ l402 }) => l402?.pay)).toEqual([true, false])
    expect(report).toMatchObject({ outcome: 'paid_delivered', feeMsat: '1001', exitCode: 0 })
  })

  test('may pay once when nothing was paid before', async () => {
    ;({ url } = await serve(broken(200_000), wrong, honest()))
    await run()
    const { report, inits } = await run({ paid: [unpaid, paid] })
    expect(inits.map(({ l402 }) => l402?.pay)).toEqual([true, true])
    expect(report).toMatchObject({ outcome: 'paid_delivered', exitCode: 0 })
  })

  test('and fails was paid and not delivered', async () => {
    ;({ url } = await serve(broken(200_000), wrong, (_, response) => response.writeHead(500).end()))
    await run()
    const { report } = await run({ paid: [paid, unpaid] })
    expect(report).toMatchObject({ outcome: 'paid_not_delivered', feeMsat: '1001', exitCode: 6 })
  })
})
