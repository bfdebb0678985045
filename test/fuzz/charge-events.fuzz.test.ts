import { describe, expect, test } from 'vitest'
import { EventReader } from '../../library/src/lightning/charge/event-reader.ts'
import { fuzzText } from './harness.ts'

describe('the reader of Charge’s stream under noise', () => {
  test('R-CHG-6 gives nothing that did not stand in a line of data', () => {
    let events = 0
    fuzzText({
      name: 'EventReader',
      seeds: [
        'id:1\ndata:{"id":"a","rhash":"00","status":"paid"}\n\n',
        ': keepalive\n\ndata: one\ndata: two\n\n',
        'event:x\ndata\n\nretry: 5\n\n',
      ],
      words: ['data:', 'data', '\n', '\n\n', ':', 'id:'],
      read: (text) => {
        const reader = new EventReader()
        return text.split('\n').map((line) => reader.push(line))
      },
      codes: [],
      holds: (text, result) => {
        for (const data of result as readonly (string | undefined)[]) {
          if (data === undefined) continue
          events++
          // `expect` takes longer than the reader.
          const isThere = data.split('\n').every((part) => text.includes(part))
          if (!isThere || !text.includes('data')) throw new Error(data)
        }
      },
    })
    expect(events).toBeGreaterThan(0)
  })
})
