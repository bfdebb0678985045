import { describe, expect, test } from 'vitest'
import { isPrivateHost } from './private-host.ts'

describe('R-PAY-54 a host of this machine or a private network', () => {
  for (const host of [
    'localhost',
    'LOCALHOST.',
    'a.localhost',
    'printer.local',
    'local',
    'metadata.google.internal',
    'nas.home.arpa',
    '127.0.0.1',
    '127.1',
    '0x7f.1',
    '2130706433',
    '0177.0.0.1',
    '0.0.0.0',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1:8080',
    '169.254.169.254',
    '100.64.0.1',
    '100.127.255.255',
    '[::]',
    '[::1]',
    '[fc00::1]',
    '[fdff:ffff::1]',
    '[fe80::1]',
    '[febf::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a00:1]',
    '[::10.0.0.1]',
    '[64:ff9b::10.0.0.1]',
    '[2002:0a00:0001::]',
    '[2001:db8::1]',
    '[fec0::1]',
    '[fe00::1]',
    '[1::ffff:127.0.0.1]',
    '203.0.113.9',
    '224.0.0.1',
  ]) {
    test(`is ${host}`, () => {
      expect(isPrivateHost(new URL(`http://${host}/`))).toBe(true)
    })
  }

  for (const host of [
    'example.com',
    'localhost.example.com',
    'notlocalhost',
    'internal.example.com',
    'notlocal',
    '10.example.com',
    '9.255.255.255',
    '11.0.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '169.253.255.255',
    '100.63.255.255',
    '100.128.0.0',
    '128.0.0.1',
    '8.8.8.8',
    '[2606:4700::1111]',
    '[::ffff:8.8.8.8]',
    '[64:ff9b::8.8.8.8]',
  ]) {
    test(`is not ${host}`, () => {
      expect(isPrivateHost(new URL(`http://${host}/`))).toBe(false)
    })
  }
})
