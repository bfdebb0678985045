import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { standardOutput } from './destination.ts'

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

describe('a body on standard output', () => {
  for (const [what, isTTY, body, written] of [
    ['ends its line on a terminal', true, 'answer', 'answer\n'],
    ['that ends its line gets no second end', true, 'answer\n', 'answer\n'],
    ['that is empty leaves no line', true, '', ''],
    ['goes into a pipe as it is', false, 'answer', 'answer'],
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
