import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { standardOutput } from './standard-output.ts'
import { withHead } from './with-head.ts'

function outputOf(isTTY: boolean): { readonly stream: Writable; written(): string } {
  let written = ''
  const stream = new Writable({
    write: (chunk, _, done) => {
      written += String(chunk)
      done()
    },
  })
  return { stream: Object.assign(stream, { isTTY }), written: () => written }
}

function answer(note: string): Response {
  return new Response('body\n', {
    status: 201,
    statusText: 'Created',
    headers: { 'content-type': 'text/plain', 'x-note': note },
  })
}

describe('R-GET-29 the head of an answer', () => {
  test('comes before the body, line by line as over the network', async () => {
    const { stream, written } = outputOf(false)
    const place = withHead(standardOutput(stream), stream)
    await place.write(answer('a\u009bb'))
    expect(written()).toBe(
      'HTTP/1.1 201 Created\r\ncontent-type: text/plain\r\nx-note: a\u009bb\r\n\r\nbody\n',
    )
    expect(place.ending()).toBe('complete')
  })

  test('steers no terminal', async () => {
    const { stream, written } = outputOf(true)
    await withHead(standardOutput(stream), stream).write(answer('a\u009b2Jb'))
    expect(written()).toBe(
      'HTTP/1.1 201 Created\ncontent-type: text/plain\nx-note: a\ufffd2Jb\n\nbody\n',
    )
  })
})
