import { describe, expect, test } from 'vitest'
import { HostTable } from './host-table.ts'

function table(...rows: readonly (readonly [string, string, string])[]): HostTable<string> {
  const hosts = new HostTable<string>()
  for (const [host, mount, name] of rows) hosts.add(host, mount, name)
  return hosts
}

describe('R-GW-1 a host is compared whole', () => {
  const hosts = table(
    ['api.example.com', '/', 'exact'],
    ['*.example.com', '/', 'wild'],
    ['*.deep.example.com', '/', 'deep'],
    ['[::1]', '/', 'six'],
  )
  for (const [host, found] of [
    ['api.example.com', 'exact'],
    ['API.Example.COM:8443', 'exact'],
    ['other.example.com', 'wild'],
    ['a.deep.example.com', 'deep'],
    ['[::1]:8402', 'six'],
    ['example.com', 'unknown-host'],
    ['a.b.example.com', 'wild'],
    ['a.b.deep.example.com', 'deep'],
    ['evilexample.com', 'unknown-host'],
    ['api.example.com.evil.net', 'unknown-host'],
    ['.example.com', 'unknown-host'],
    ['api.example.com.', 'exact'],
    ['api.example.com.:8443', 'exact'],
    ['api.example.com:', 'exact'],
    ['other.example.com.', 'wild'],
    ['api.example.com..', 'unknown-host'],
    ['', 'unknown-host'],
  ] as const) {
    test(`${JSON.stringify(host)}: ${found}`, () => {
      expect(hosts.find(host, () => '/')).toBe(found)
    })
  }
})

describe('R-GW-2 of the services of one host the longest mount decides', () => {
  const hosts = table(['*', '/', 'all'], ['*', '/v2', 'two'], ['*', '/v2/admin', 'admin'])
  for (const [path, found] of [
    ['/', 'all'],
    ['/v1/x', 'all'],
    ['/v2', 'two'],
    ['/v2/x', 'two'],
    ['/v20', 'all'],
    ['/v2/admin', 'admin'],
    ['/v2/admin/x', 'admin'],
    ['/V2/x', 'no-mount'],
    ['/v2/Admin/x', 'no-mount'],
  ] as const) {
    test(`${path}: ${found}`, () => {
      expect(hosts.find('anything', () => path)).toBe(found)
    })
  }

  test('a path outside of every mount is not found, and none at all is left to the gate', () => {
    const mounted = table(['*', '/v2', 'two'])
    expect(mounted.find('a', () => '/v1')).toBe('no-mount')
    expect(mounted.find('a', () => undefined)).toBe('two')
  })
})
