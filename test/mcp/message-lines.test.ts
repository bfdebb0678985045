import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { messageLines, tooLongAnswer } from '../../program/src/mcp/message-lines.ts'

async function through(
  chunks: readonly string[],
  maxBytes: number,
): Promise<{ readonly passed: string; readonly ends: readonly string[] }> {
  const ends: string[] = []
  const lines = messageLines(maxBytes, (end) => ends.push(end))
  let passed = ''
  const source = Readable.from(chunks.map((chunk) => Buffer.from(chunk)))
  for await (const chunk of source.pipe(lines)) passed += String(chunk)
  return { passed, ends }
}

describe('R-MCP-8 messages over standard input', () => {
  test('pass as they are, and one that is too long is left out', async () => {
    const long = `${'a'.repeat(500)},"id":7}`
    const { passed, ends } = await through(
      ['one\ntw', 'o\n', long.slice(0, 300), `${long.slice(300)}\nthr`, 'ee'],
      100,
    )
    expect(passed).toBe('one\ntwo\nthree')
    expect(ends).toHaveLength(1)
    expect(ends[0]?.endsWith(',"id":7}\n')).toBe(true)
  })

  test('pass exactly where they fit, however they arrive', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'b', '"'), maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat({ max: 60 })), async (texts, cuts) => {
        const whole = texts.map((text) => `${text}\n`).join('')
        const places = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort(
          (a, b) => a - b,
        )
        const chunks = [...places, whole.length].map((end, i) =>
          whole.slice(i === 0 ? 0 : places[i - 1], end),
        )
        const { passed, ends } = await through(chunks, 8)
        const fitting = texts.filter((text) => text.length + 1 <= 8)
        expect(passed).toBe(fitting.map((text) => `${text}\n`).join(''))
        expect(ends).toHaveLength(texts.length - fitting.length)
      }),
      { numRuns: 200 },
    )
  })

  test('wait until what was answered is read', async () => {
    const { promise: drained, resolve: drain } = Promise.withResolvers<void>()
    const lines = messageLines(
      100,
      () => undefined,
      () => drained,
    )
    let passed = ''
    lines.on('data', (chunk: Buffer) => {
      passed += String(chunk)
    })
    lines.write('one\n')
    await new Promise((resolve) => setImmediate(resolve))
    expect(passed).toBe('')
    drain()
    await expect.poll(() => passed).toBe('one\n')
  })

  for (const [end, id] of [
    ['"x"},"jsonrpc":"2.0","id":3}\n', 3],
    ['},"id": "a-1" }', 'a-1'],
    ['{"id":3}}', null],
    ['"id":3}', null],
    ['', null],
    [',"id":"\\u0041"}', null],
  ] as const) {
    test(`get an answer with the id that they end with: ${end.trim()}`, () => {
      const text = tooLongAnswer(end, 5)
      expect(text.endsWith('\n')).toBe(true)
      expect(JSON.parse(text)).toEqual({
        jsonrpc: '2.0',
        id,
        error: { code: -32600, message: 'A message has at most 5 bytes. This one was not read.' },
      })
    })
  }
})
