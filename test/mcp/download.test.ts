import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Failure } from '../../program/src/cli/failure.ts'
import { openDownload, readFileName } from '../../program/src/mcp/download.ts'
import { createSaves } from '../../program/src/mcp/download-room.ts'

let root = ''
let folder = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'satway-download-'))
  folder = join(root, 'downloads')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

async function save(
  name: string,
  body: string | ReadableStream<Uint8Array> | null,
  maxBytes?: number,
): Promise<string | null> {
  const download = await openDownload({
    folder,
    name: readFileName(name),
    ...(maxBytes !== undefined && { maxBytes }),
  })
  try {
    await download.write(new Response(body))
    return download.savedAs()
  } finally {
    await download.close()
  }
}

describe('R-MCP-20 a file is saved under one plain name', () => {
  const names = [
    '../evil',
    '..',
    '.',
    '/etc/passwd',
    'a/b',
    'a\\b',
    'C:\\x',
    'c:x',
    '.bashrc',
    '.ssh',
    '-rf',
    '~root',
    '',
    ' a',
    'a ',
    'a.',
    'con',
    'CON.txt',
    'nul',
    'aux.tar.gz',
    'COM1',
    'lpt9.log',
    'COM¹',
    'a\u0000b',
    'a\nb',
    'a\u202egpj.exe',
    'a\u200bb',
    'file:///x',
    'a%2fb'.replace('%2f', '\u2215'),
    'a\u2044b',
    'a:stream',
    'a|b',
    'a?b',
    'a*b',
    '"a"',
    '<a>',
    '$(id)',
    '`id`',
    'a;b',
    'a&b',
    '\ud800',
    '文'.repeat(80),
  ]
  for (const name of names) {
    test(`${JSON.stringify(name)} is refused`, () => {
      expect(() => readFileName(name)).toThrow(Failure)
    })
  }

  for (const name of [
    'report.pdf',
    'data.tar.gz',
    'Straße 7.txt',
    '東京.json',
    '2026-01-01_a+b (1).csv',
    'console.txt',
  ]) {
    test(`${JSON.stringify(name)} is taken`, () => expect(readFileName(name)).toBe(name))
  }

  test('whatever is taken stays in the folder', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 110 }), (text) => {
        let name: string
        try {
          name = readFileName(text)
        } catch {
          return
        }
        expect(join('/downloads', name)).toBe(`/downloads/${name}`)
        expect(name).not.toMatch(/^[.-]|[\\/:\p{C}]/u)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('R-MCP-21 nothing is overwritten', () => {
  test('a number is put before the ending', async () => {
    const saved = []
    for (const body of ['one', 'two', 'three']) saved.push(await save('report.pdf', body))
    expect(saved).toEqual(
      ['report.pdf', 'report-1.pdf', 'report-2.pdf'].map((name) => join(folder, name)),
    )
    expect(saved.map((path) => readFileSync(path!, 'utf8'))).toEqual(['one', 'two', 'three'])
  })

  test('also by two at once', async () => {
    const bodies = Array.from({ length: 20 }, (_, i) => `body ${i}`)
    const saved = await Promise.all(bodies.map((body) => save('a', body)))
    expect(new Set(saved).size).toBe(20)
    expect(saved.map((path) => readFileSync(path!, 'utf8'))).toEqual(bodies)
  })

  test('a file is its owner’s alone, and no program', async () => {
    const path = await save('run.sh', '#!/bin/sh\n')
    expect(statSync(path!).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })
})

describe('R-MCP-22 nothing is written outside the folder', () => {
  test('a symbolic link of that name is left alone, and what it leads to', async () => {
    mkdirSync(folder)
    const target = join(root, 'precious')
    writeFileSync(target, 'precious')
    symlinkSync(target, join(folder, 'report.pdf'))
    symlinkSync(join(root, 'not there'), join(folder, 'report-1.pdf'))
    expect(await save('report.pdf', 'new')).toBe(join(folder, 'report-2.pdf'))
    expect(readFileSync(target, 'utf8')).toBe('precious')
    expect(existsSync(join(root, 'not there'))).toBe(false)
  })

  test('what is too long leaves nothing behind', async () => {
    await expect(save('a.bin', 'x'.repeat(101), 100)).rejects.toThrow(Failure)
    expect(readdirSync(folder)).toEqual([])
    expect(await save('a.bin', 'x'.repeat(100), 100)).toBe(join(folder, 'a.bin'))
  })

  test('what says beforehand that it is too long is not read', async () => {
    let pulled = 0
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          pulled++
          controller.enqueue(new Uint8Array(10))
        },
      },
      { highWaterMark: 0 },
    )
    const download = await openDownload({ folder, name: 'a', maxBytes: 100 })
    const response = new Response(body, { headers: { 'content-length': '101' } })
    await expect(download.write(response)).rejects.toThrow(Failure)
    await download.close()
    expect(pulled).toBe(0)
  })

  test('an answer that breaks off leaves nothing behind', async () => {
    let sent = false
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (sent) controller.error(new Error('reset'))
        else controller.enqueue(new Uint8Array(10))
        sent = true
      },
    })
    await expect(save('a', body)).rejects.toThrow('reset')
    expect(readdirSync(folder)).toEqual([])
  })

  test('a folder that cannot be written to is said before anything is asked for', async () => {
    writeFileSync(folder, 'a file')
    await expect(save('a', 'x')).rejects.toThrow(/cannot be written to \((EEXIST|ENOTDIR)\)/)
    chmodSync(folder, 0o600)
  })

  test('an empty answer is an empty file', async () => {
    const path = await save('empty', null)
    expect(readFileSync(path!, 'utf8')).toBe('')
  })
})

describe('R-MCP-23 the download folder has an end', () => {
  const saveWithin = async (
    maxFolderBytes: number,
    body: ConstructorParameters<typeof Response>[0],
    headers: Record<string, string> = {},
    minFreeBytes = 0,
  ): Promise<string | null> => {
    const download = await openDownload({
      folder,
      name: 'a',
      room: { maxFolderBytes, minFreeBytes },
    })
    try {
      await download.write(new Response(body, { headers }))
      return download.savedAs()
    } finally {
      await download.close()
    }
  }
  const mebibyte = 1024 ** 2

  test('what is there already counts, and what is there stays', async () => {
    expect(await saveWithin(mebibyte, Buffer.alloc(mebibyte - 8192))).not.toBeNull()
    await expect(saveWithin(mebibyte, Buffer.alloc(20_000))).rejects.toThrow(/There is no room/)
    expect(readdirSync(folder)).toEqual(['a'])
  })

  test('many small files count for what they take of a disk', async () => {
    for (let i = 0; i < 4; i++) await saveWithin(10 * 4096, 'x')
    for (let i = 4; i < 10; i++) writeFileSync(join(folder, `${i}`), '')
    await expect(saveWithin(10 * 4096, 'x')).rejects.toThrow(/There is no room/)
  })

  test('a folder that is full is said before anything is asked for', async () => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'old'), Buffer.alloc(10_000))
    await expect(
      openDownload({ folder, name: 'a', room: { maxFolderBytes: 9000 } }),
    ).rejects.toThrow(/may hold 9000 bytes in all/)
    await expect(
      openDownload({ folder, name: 'a', room: { minFreeBytes: Number.MAX_SAFE_INTEGER } }),
    ).rejects.toThrow(/on a disk of which/)
    expect(readdirSync(folder)).toEqual(['old'])
  })

  test('what is longer than it said is noticed on the way', async () => {
    let sent = 0
    const endless = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          sent += mebibyte
          controller.enqueue(new Uint8Array(mebibyte))
        },
      },
      { highWaterMark: 0 },
    )
    await expect(
      saveWithin(mebibyte, endless, { 'content-length': '10', 'content-encoding': 'gzip' }),
    ).rejects.toThrow(/There is no room/)
    expect(sent).toBeLessThanOrEqual(17 * mebibyte)
    expect(readdirSync(folder)).toEqual([])
  })

  test('at most so many run at once', () => {
    const saves = createSaves(2)
    const giveBack = saves.take()
    saves.take()
    expect(() => saves.take()).toThrow('There are 2 downloads under way already.')
    giveBack()
    saves.take()
    expect(() => saves.take()).toThrow(Failure)
  })
})
