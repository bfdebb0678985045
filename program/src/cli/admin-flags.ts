import type { Command, Flag } from './command.ts'

/** One command of `satway admin`, and its line in the overview. */
export type AdminCommand = { readonly command: Command; readonly about: string }

export const jsonFlag: Flag = { about: 'Write JSON, also to a terminal. A pipe gets JSON anyway.' }

/** Flags of every command that asks a gateway. */
export const adminFlags: Readonly<Record<string, Flag>> = {
  address: {
    value: 'HOST:PORT',
    about: 'Where the admin API of the gateway listens. Default SATWAY_ADMIN, then 127.0.0.1:8403.',
  },
  macaroon: {
    value: 'FILE',
    about:
      'What you may do. Default SATWAY_ADMIN_MACAROON, then ./admin.macaroon, then admin.macaroon in SATWAY_HOME, or in ~/.satway.',
  },
  json: jsonFlag,
}

export const filterFlags: Readonly<Record<string, Flag>> = {
  service: { value: 'NAME', about: 'Only of this service.' },
  capability: {
    value: 'NAME',
    about: 'Only of this capability, or of the route with this key: "GET /v1/report".',
  },
  state: { value: 'STATE', about: 'Only active, revoked or expired ones.' },
  from: { value: 'TIME', about: 'Paid then or later: 2026-11-25, 2026-11-25T08:00:00Z.' },
  until: { value: 'TIME', about: 'Paid before then.' },
  id: { value: 'HEX', about: 'Only what begins with these 8 or more digits.' },
}

export const pageFlags: Readonly<Record<string, Flag>> = {
  limit: { value: 'COUNT', about: 'How many at most, up to 1000. Default 100.' },
  after: { value: 'CURSOR', about: 'Go on after a page, as it says at its end.' },
}

export const adminSections: Command['sections'] = [
  {
    title: 'Exit codes',
    rows: [
      ['0', 'done'],
      ['1', 'the gateway refused; the message says why'],
      ['2', 'the command line has a mistake'],
      ['7', 'no gateway answers at this address'],
    ],
  },
]
