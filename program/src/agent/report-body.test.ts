import { describe, expect, test } from 'vitest'
import { readBody } from './report-body.ts'

describe('R-AGT-24 the body in a report', () => {
  for (const [what, bytes, maxBytes, expected] of [
    [
      'is text',
      Buffer.from('grüße'),
      100,
      { body: 'grüße', bodyEncoding: 'utf8', truncated: false },
    ],
    [
      'fits to the byte',
      Buffer.from('12345'),
      5,
      { body: '12345', bodyEncoding: 'utf8', truncated: false },
    ],
    [
      'is cut after the limit',
      Buffer.from('123456'),
      5,
      { body: '12345', bodyEncoding: 'utf8', truncated: true },
    ],
    [
      'is not cut within a character',
      Buffer.from('123ü5'),
      4,
      { body: '123', bodyEncoding: 'utf8', truncated: true },
    ],
    [
      'is base64 where it is no text',
      Buffer.from([0xff, 0x00]),
      9,
      { body: '/wA=', bodyEncoding: 'base64', truncated: false },
    ],
    [
      'is base64 where it holds a zero, which JSON writes with six bytes',
      Buffer.from('a\0b'),
      9,
      { body: 'YQBi', bodyEncoding: 'base64', truncated: false },
    ],
    [
      'is base64 where it ends within a character',
      Buffer.from([0x61, 0xc3]),
      9,
      { body: 'YcM=', bodyEncoding: 'base64', truncated: false },
    ],
    [
      'keeps a mark of byte order',
      Buffer.from('\ufeffx'),
      9,
      { body: '\ufeffx', bodyEncoding: 'utf8', truncated: false },
    ],
    ['may be empty', Buffer.alloc(0), 9, { body: '', bodyEncoding: 'utf8', truncated: false }],
  ] as const) {
    test(what, async () => {
      expect(await readBody(new Response(bytes), maxBytes)).toEqual(expected)
    })
  }

  test('may be none', async () => {
    const none = { body: '', bodyEncoding: 'utf8', truncated: false }
    expect(await readBody(new Response(null, { status: 204 }), 9)).toEqual(none)
  })

  test('that never ends is let go at the limit', async () => {
    let cancelled = false
    let sent = 0
    const endless = new ReadableStream({
      pull: (controller) => {
        sent += 1000
        controller.enqueue(new Uint8Array(1000).fill(97))
      },
      cancel: () => {
        cancelled = true
      },
    })
    const { body, truncated } = await readBody(new Response(endless), 10_000)
    expect(body).toHaveLength(10_000)
    expect(truncated).toBe(true)
    expect(cancelled).toBe(true)
    expect(sent).toBeLessThan(20_000)
  })
})
