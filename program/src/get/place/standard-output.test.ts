import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import { outputFile } from './output-file.ts'
import { noProgress } from './progress.ts'
import { errorOutput, standardOutput, terminalOutput } from './standard-output.ts'

const folder = mkdtempSync(join(tmpdir(), 'satway-output-'))
afterAll(() => rmSync(folder, { recursive: true }))

function streamOf(
  isTTY: boolean,
  arrived?: () => void,
): { readonly stream: Writable; written(): string } {
  let written = ''
  const stream = new Writable({
    write: (chunk, _, done) => {
      written += String(chunk)
      done()
      arrived?.()
    },
  })
  return { stream: Object.assign(stream, { isTTY }), written: () => written }
}

describe('R-GET-1 a body on standard output', () => {
  for (const [what, isTTY, body, written] of [
    ['ends its line on a terminal', true, 'answer', 'answer\n'],
    ['that ends its line gets no second end', true, 'answer\n', 'answer\n'],
    ['that is empty leaves no line', true, '', ''],
    ['goes into a pipe as it is', false, 'answer', 'answer'],
    ['goes there as it is when that was asked for', true, '\u001b[1m\n', '\u001b[1m\n'],
  ] as const) {
    test(what, async () => {
      const output = streamOf(isTTY)
      await standardOutput(output.stream).write(new Response(body))
      expect(output.written()).toBe(written)
      expect(output.stream.writable).toBe(true)
    })
  }

  test('that breaks off ends its line too', async () => {
    let controller: ReadableStreamDefaultController | undefined
    const body = new ReadableStream({
      start: (given) => {
        controller = given
        given.enqueue(new TextEncoder().encode('half'))
      },
    })
    const output = streamOf(true, () => controller?.error(new Error('gone')))
    await expect(standardOutput(output.stream).write(new Response(body))).rejects.toThrow('gone')
    expect(output.written()).toBe('half\n')
  })
})

describe('R-GET-8 a body on a terminal', () => {
  const path = join(folder, 'saved')
  const openFile = () =>
    outputFile({ path, url: new URL('http://a.test'), continues: false, progress: noProgress })

  for (const [what, body, written] of [
    ['is shown, and ends its line', 'answer', 'answer\n'],
    ['steers no terminal', 'a\u001b]0;title\u0007b', 'a\ufffd]0;title\ufffdb\n'],
    ['may be empty', '', ''],
  ] as const) {
    test(what, async () => {
      const output = streamOf(true)
      const place = terminalOutput(output.stream, openFile)
      await place.write(new Response(body))
      expect(output.written()).toBe(written)
      expect(place.path()).toBeNull()
    })
  }

  test('that is no text is saved instead, every byte of it, and its file is named', async () => {
    const output = streamOf(true)
    const place = terminalOutput(output.stream, openFile)
    const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251)
    await place.write(new Response(bytes))
    expect(output.written()).toBe('')
    expect(place.path()).toBe(path)
    expect(Buffer.compare(readFileSync(path), bytes)).toBe(0)
    await place.abandon()
    expect(readFileSync(path).length).toBe(bytes.length)
  })

  test('that is no text and cannot be saved is let go', async () => {
    let reason: unknown = 'nobody let it go'
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(8)),
      cancel: (given) => {
        reason = given
      },
    })
    const place = terminalOutput(streamOf(true).stream, async () => {
      throw new Error('disk full')
    })
    await expect(place.write(new Response(body))).rejects.toThrow('disk full')
    expect(reason).toBeUndefined()
  })
})

describe('R-GET-8 the body of an error', () => {
  for (const [what, isTTY, asTheyAre, body, written] of [
    [
      'steers no terminal',
      true,
      false,
      'a\u001b]52;c;x\u0007\u009b2J',
      'a\ufffd]52;c;x\ufffd\ufffd2J\n',
    ],
    ['that is no text is not shown on one', true, false, 'a\0\u001b[2J', ''],
    ['is as it is where that was asked for', true, true, '\u001b[1m\n', '\u001b[1m\n'],
    ['is as it is in a pipe', false, false, '\0\u001b[1m', '\0\u001b[1m'],
  ] as const) {
    test(what, async () => {
      const output = streamOf(isTTY)
      const place = errorOutput(output.stream, asTheyAre)
      await place.write(new Response(body, { status: 500 }))
      expect([output.written(), place.path()]).toEqual([written, null])
    })
  }
})
