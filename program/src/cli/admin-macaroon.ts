import type { AdminCommand } from './admin-flags.ts'
import { adminFlags } from './admin-flags.ts'

/** A narrower macaroon. */
export const adminMacaroon: AdminCommand = {
  about: 'Make a narrower copy of your macaroon, to hand on.',
  command: {
    name: 'admin macaroon',
    usage: '[options]',
    about: [
      'Prints a copy of your macaroon that may do less: hand that one on. The gateway is not asked, and nobody can widen the copy again.',
      'To end all macaroons at once, remove the admin key and the macaroon file, and start the gateway anew.',
    ],
    flags: {
      scope: { value: 'SCOPES', about: 'Some of read, services, revoke; commas between.' },
      expires: { value: 'TIME', about: 'Works for this long: 30m, 12h, 7d.' },
      ip: { value: 'CIDR', about: 'Works from these addresses only.' },
      output: { short: 'o', value: 'FILE', about: 'Write it to a new file, for you alone (0600).' },
      macaroon: adminFlags['macaroon']!,
      json: { about: 'Write JSON, with what the copy may do.' },
    },
    operands: 0,
    sections: [
      {
        title: 'Exit codes',
        rows: [
          ['0', 'done'],
          ['1', 'there is no macaroon, or the copy would allow more than it'],
          ['2', 'the command line has a mistake'],
        ],
      },
    ],
    examples: ['satway admin macaroon --scope read --expires 1d -o dashboard.macaroon'],
    run: async (given) => (await import('../admin/command/index.ts')).runMacaroon(given),
  },
}
