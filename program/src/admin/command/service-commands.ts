import type { Given } from '../../cli/command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { grid } from '../../cli/grid.ts'
import { printable } from '../../cli/printable.ts'
import { paragraph } from '../../cli/screen.ts'
import { readDocument } from './document-file.ts'
import { openRemote } from './remote.ts'
import type { Terminal } from './terminal.ts'
import { openTerminal, show } from './terminal.ts'

type Service = {
  readonly name: string
  readonly origin: string
  readonly document: Readonly<Record<string, unknown>>
}

/** Runs `satway admin services list`. */
export async function runServicesList(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const answer = await openRemote(given, terminal).call<{ readonly items: readonly Service[] }>(
    'GET',
    '/v1/services',
  )
  const { screen } = terminal
  show(given, terminal, answer, () => {
    if (answer.items.length === 0) return 'No services.\n'
    return grid(
      screen,
      [
        { title: 'NAME', style: screen.name },
        { title: 'FROM' },
        { title: 'HOSTS' },
        { title: 'MOUNT' },
        { title: 'UPSTREAM' },
        { title: 'ROUTES', right: true },
      ],
      answer.items.map(({ name, origin, document }) => [
        name,
        origin,
        Array.isArray(document['hosts']) ? document['hosts'].join(', ') : 'any',
        String(document['mount'] ?? '/'),
        upstreamOf(document['upstream']),
        String(Object.keys(document['routes'] ?? {}).length),
      ]),
    )
  })
  return exitCodes.ok
}

/** Runs `satway admin services show`. */
export async function runServicesShow(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const name = encodeURIComponent(given.operands[0] ?? '')
  const service = await openRemote(given, terminal).call<Service>('GET', `/v1/services/${name}`)
  const { stringify } = await import('yaml')
  const { screen } = terminal
  show(given, terminal, service, () => {
    const origin =
      service.origin === 'file'
        ? 'from the configuration file: change it there, then `satway admin reload`'
        : 'made through the admin API: change it with `satway admin services replace`'
    const yaml = stringify(service.document, { lineWidth: 0 })
    return screen.dim(`# ${origin}`) + `\n${yaml.split('\n').map(printable).join('\n')}`
  })
  return exitCodes.ok
}

/** Runs `satway admin services create`. */
export async function runServicesCreate(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const { name, document } = await readDocument(given.operands[0] ?? '-', terminal)
  const service = await openRemote(given, terminal).call('POST', '/v1/services', document)
  show(given, terminal, service, () => `Made the service ${printable(name)}. It serves now.\n`)
  return exitCodes.ok
}

/** Runs `satway admin services replace`. */
export async function runServicesReplace(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const { name, document } = await readDocument(given.operands[0] ?? '-', terminal)
  const path = `/v1/services/${encodeURIComponent(name)}`
  const service = await openRemote(given, terminal).call('PUT', path, document)
  show(given, terminal, service, () => `Replaced the service ${printable(name)}.\n`)
  return exitCodes.ok
}

/** Runs `satway admin services delete`. */
export async function runServicesDelete(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const name = given.operands[0] ?? ''
  await openRemote(given, terminal).call('DELETE', `/v1/services/${encodeURIComponent(name)}`)
  show(given, terminal, { deleted: name }, () => `Deleted the service ${printable(name)}.\n`)
  return exitCodes.ok
}

/** Runs `satway admin reload`. */
export async function runReload(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const answer = await openRemote(given, terminal).call<{
    readonly services: number
    readonly needs_restart: readonly string[]
  }>('POST', '/v1/reload')
  const { screen } = terminal
  show(given, terminal, answer, () => {
    const { services, needs_restart } = answer
    const count = services === 1 ? '1 service' : `${services} services`
    const done = `Read the configuration again: ${count}. Open requests go on undisturbed.`
    const keys = needs_restart.map((key) => printable(key)).join(', ')
    const waiting = `Changed, but not in force before the gateway is started anew: ${keys}.`
    const warning = keys === '' ? '' : paragraph(screen, '', waiting, screen.warn)
    return `${done}\n${warning}`
  })
  return exitCodes.ok
}

function upstreamOf(upstream: unknown): string {
  if (typeof upstream === 'string') return upstream
  const url = (upstream as { readonly url?: unknown } | undefined)?.url
  return typeof url === 'string' ? url : '-'
}
