import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { makeHome, root, satway } from './satway.ts'

const home = makeHome()
afterAll(() => home.remove())

describe('satway', () => {
  test('tells its version, the one of its package', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'program/package.json'), 'utf8')) as {
      version: string
    }
    const { code, stdout } = await satway(home.path, ['--version'])
    expect(stdout).toBe(`${version}\n`)
    expect(code).toBe(0)
  })

  for (const args of [['--help'], ['-h'], ['help']]) {
    test(`${args.join(' ')} names every command`, async () => {
      const { code, stdout, stderr } = await satway(home.path, args)
      for (const name of ['demo', 'get', 'decode', 'help COMMAND', '--version']) {
        expect(stdout).toContain(name)
      }
      expect([code, stderr]).toEqual([0, ''])
    })
  }

  for (const name of ['demo', 'get', 'decode']) {
    test(`help ${name} is ${name} --help, and shows exit codes`, async () => {
      const page = await satway(home.path, ['help', name])
      expect(page.code).toBe(0)
      expect(page.stdout).toContain(`Usage: satway ${name} [options]`)
      expect(page.stdout).toContain('Exit codes')
      for (const args of [
        [name, '--help'],
        [name, '--json', '-h'],
      ]) {
        expect(await satway(home.path, args)).toEqual(page)
      }
    })
  }

  test('help get states every exit code that get has', async () => {
    const { stdout } = await satway(home.path, ['help', 'get'])
    const stated = [...stdout.matchAll(/^ {2}(\d+) {2,}\S/gm)].map(([, code]) => Number(code))
    expect(stated).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 22])
  })

  test('help get names every unit', async () => {
    const { stdout } = await satway(home.path, ['help', 'get'])
    for (const amount of ['100', '100sat', '1500msat', '0.0001BTC']) {
      expect(stdout).toContain(amount)
      const args = ['get', '--max-cost', amount, '--max-fee', amount, 'http://127.0.0.1:9/']
      expect((await satway(home.path, args)).code).toBe(7)
    }
  })

  test('without a command shows what there is, and fails', async () => {
    const { code, stdout, stderr } = await satway(home.path, [])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('Commands')
  })
})

describe('a mistake on the command line is exit code 2 with the usage line', () => {
  for (const [args, message, usage] of [
    [['fetch'], 'unknown command "fetch"', 'Usage: satway COMMAND'],
    [['--bogus'], 'unknown option "--bogus"', 'Usage: satway COMMAND'],
    [['help', 'fetch'], 'unknown command "fetch"', 'Usage: satway COMMAND'],
    [['get'], 'URL is missing', 'Usage: satway get'],
    [['get', '--bogus', 'http://x'], "Unknown option '--bogus'", 'Usage: satway get'],
    [['get', 'http://x', 'http://y'], 'one argument too many', 'Usage: satway get'],
    [['get', 'ftp://x'], 'begins with http', 'Usage: satway get'],
    [['get', 'http://'], 'not well formed', 'Usage: satway get'],
    [['get', 'http://a:b@x/'], 'name or password', 'Usage: satway get'],
    [['get', 'http://x', '--max-cost', 'ten'], '--max-cost', 'Usage: satway get'],
    [['get', 'http://x', '--max-cost=-1'], '--max-cost', 'Usage: satway get'],
    [['get', 'http://x', '--max-cost', '9'.repeat(40)], 'more than 21 million BTC', 'Usage:'],
    [['get', 'http://x', '--max-cost', '99999999 BTC'], 'more than 21 million BTC', 'Usage:'],
    [['get', 'http://x', '--max-cost', '0.0001sat'], 'finer than 1 msat', 'Usage: satway get'],
    [['get', 'http://x', '--max-fee', '1 eur'], '--max-fee', 'Usage: satway get'],
    [['get', 'http://x', '--timeout', '0'], '--timeout', 'Usage: satway get'],
    [['get', 'http://x', '-X', 'G T'], '--request', 'Usage: satway get'],
    [['get', 'http://x', '-X', 'GET', '-d', 'x'], 'GET carries no --data', 'Usage: satway get'],
    [['get', 'http://x', '-H', 'nothing'], 'expected "Name: value"', 'Usage: satway get'],
    [['get', 'http://x', '-H', 'a b: c'], '"a b" is not a header', 'Usage: satway get'],
    [['get', 'http://x', '--wallet', 'lnd:x'], 'expected lnd://HOST:8080', 'How a wallet is named'],
    [['decode', '--json', '--text', 'x'], '--json and --text', 'Usage: satway decode'],
    [['demo', 'x'], 'one argument too many', 'Usage: satway demo'],
    [['demo', '--port', '70000'], '--port', 'Usage: satway demo'],
    [['demo', '--port', '0'], '--port', 'Usage: satway demo'],
    [['demo', '--once', '--once'], 'given twice', 'Usage: satway demo'],
  ] as const) {
    test(args.join(' '), async () => {
      const { code, stdout, stderr } = await satway(home.path, args)
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain(message)
      expect(stderr).toContain(usage)
    })
  }

  test('and never repeats the value of a header, which may be a secret', async () => {
    const { code, stderr } = await satway(home.path, ['get', 'http://x', '-H', 'a b: hunter2'])
    expect(code).toBe(2)
    expect(stderr).not.toContain('hunter2')
  })
})
