import { isIPv4, isIPv6 } from 'node:net'
import { isName } from './addresses.ts'
import { expected } from './units.ts'

const hostForm = 'a host name without port, such as api.example.com, *.example.com or *'

/**
 * Reads a host that a service answers for: exact, `*.` and a name, or `*`.
 *
 * @returns Lower case.
 * @throws {Expectation}
 * @spec gateway.md R-CONF-11
 */
export function readHost(value: unknown): string {
  if (value === '*') return value
  const host = plainName(value, hostForm)
  if (/^\[.+\]$/.test(host)) return isIPv6(host.slice(1, -1)) ? host : expected(hostForm)
  if (isIPv4(host)) return host
  const name = host.startsWith('*.') ? host.slice(2) : host
  if (!isName(name) || host.length > 253) expected(hostForm)
  return host
}

const certificateForm = 'a name for the certificate, such as api.example.com'

/** Reads a name that a generated certificate is for: a host name or an IP address. */
export function readGeneratedName(value: unknown): string {
  const name = plainName(value, `${certificateForm} or 127.0.0.1`)
  const isGood = isIPv4(name) || isIPv6(name) || isName(name.replace(/^\*\./, ''))
  return isGood ? name : expected(`${certificateForm} or 127.0.0.1`)
}

/** Reads a name that a public authority can certify by asking for it over HTTP. */
export function readPublicName(value: unknown): string {
  const name = plainName(value, certificateForm)
  if (name.startsWith('*.')) expected(`${certificateForm}; names with * cannot be proven over HTTP`)
  if (isIPv4(name) || isIPv6(name) || !isName(name)) expected(certificateForm)
  if (!name.includes('.')) expected(`${certificateForm}; a name without a dot is of no public host`)
  return name
}

/** Reads the name in an upstream's certificate. */
export function readServerName(value: unknown): string {
  const name = plainName(value, 'the host name in the certificate of the upstream')
  return isName(name) ? name : expected('the host name in the certificate of the upstream')
}

function plainName(value: unknown, form: string): string {
  if (typeof value !== 'string' || value.length > 255) expected(form)
  if (/[^\x21-\x7e]/.test(value)) expected(`${form}; other letters in the xn-- form`)
  if (value.endsWith('.')) expected(`${form}; without the last dot`)
  return value.toLowerCase()
}
