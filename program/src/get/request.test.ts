import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readCommandLine } from '../cli/command.ts'
import { Failure, UsageMistake } from '../cli/failure.ts'
import { get } from '../cli/get.ts'
import type { HttpRequest } from './request.ts'
import { readRequest } from './request.ts'

const folder = mkdtempSync(join(tmpdir(), 'satway-request-'))
afterAll(() => rmSync(folder, { recursive: true }))

const url = 'https://shop.example/'
const read = (...args: readonly string[]): Promise<HttpRequest> =>
  readRequest(readCommandLine(get, args))

describe('R-GET-13 the request', () => {
  test('has each header as one, commas and all', async () => {
    const { headers } = await read(url, '-H', 'Accept: text/html, */*;q=0.5', '-H', 'X-A:1')
    expect([...headers]).toEqual([
      ['accept', 'text/html, */*;q=0.5'],
      ['x-a', '1'],
    ])
  })

  test('has the headers of a file, such as one that --credential wrote', async () => {
    const file = join(folder, 'headers')
    writeFileSync(file, 'Authorization: L402 a:b\r\n\nX-A: c\n')
    const { headers } = await read(url, '-H', `@${file}`)
    expect([...headers]).toEqual([
      ['authorization', 'L402 a:b'],
      ['x-a', 'c'],
    ])
  })

  test('says what its data is, when it is told', async () => {
    const { headers } = await read(url, '-d', '{}', '--content-type', 'text/plain')
    expect(headers.get('content-type')).toBe('text/plain')
  })

  test('reads data that has no size and an end all the same', async () => {
    await expect(read(url, '-d', '@/dev/null')).resolves.toMatchObject({ body: new Uint8Array() })
    await expect(read(url, '-d', '@/dev/zero')).rejects.toThrow(/longer than/)
  })

  for (const [what, args, message] of [
    ['no URL', [], 'URL is missing'],
    ['a URL without a scheme', ['shop.example'], 'begins with http'],
    ['a file', ['file:///etc/passwd'], 'begins with http'],
    ['a password', ['https://a:hunter2@shop.example'], 'name or password'],
    ['a method that is none', [url, '-X', 'GET /x'], 'not an HTTP method'],
    ['data with GET', [url, '-X', 'GET', '-d', 'x'], 'carries no --data'],
    ['a header without a colon', [url, '-H', 'hunter2'], 'expected "Name: value"'],
    ['a header with a line break', [url, '-H', 'X-A: hunter2\r\nX-B: 1'], 'not a header'],
    ['a host', [url, '-H', 'Host: other'], 'Host follows the URL'],
    ['a type without data', [url, '--content-type', 'text/plain'], 'give both'],
    [
      'two types',
      [url, '-d', 'x', '--content-type', 'a/b', '-H', 'Content-Type: c/d'],
      'say two things',
    ],
    ['a type with a line break', [url, '-d', 'x', '--content-type', 'a\nb'], 'not a header'],
  ] as const) {
    test(`is refused with ${what}, and repeats no secret`, async () => {
      const reading = read(...args)
      await expect(reading).rejects.toThrow(message)
      await expect(reading).rejects.toBeInstanceOf(UsageMistake)
      await expect(reading).rejects.not.toThrow(/hunter2/)
    })
  }

  test('is not made when a file cannot be read', async () => {
    for (const flag of ['-d', '-H']) {
      await expect(read(url, flag, '@/nowhere')).rejects.toBeInstanceOf(Failure)
    }
  })
})
