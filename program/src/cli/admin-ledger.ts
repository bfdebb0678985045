import type { AdminCommand } from './admin-flags.ts'
import { adminFlags, adminSections, filterFlags, jsonFlag, pageFlags } from './admin-flags.ts'

/** What runs, how it is, and what it earned. */
export const adminLedgerCommands: readonly AdminCommand[] = [
  {
    about: 'Show what runs, and what your macaroon may do.',
    command: {
      name: 'admin info',
      usage: '[options]',
      about: ['Shows the gateway that runs, and what your macaroon may do.'],
      flags: adminFlags,
      operands: 0,
      sections: adminSections,
      examples: ['satway admin info'],
      run: async (given) => (await import('../admin/command/index.ts')).runInfo(given),
    },
  },
  {
    about: 'Ask wallet, state and upstreams whether they work.',
    command: {
      name: 'admin health',
      usage: '[options]',
      about: [
        'Asks the gateway whether its wallet, its state and its upstreams work. Needs no macaroon. Ends with 1 when one of them does not.',
      ],
      flags: { address: adminFlags['address']!, json: jsonFlag },
      operands: 0,
      sections: adminSections,
      examples: ['satway admin health'],
      run: async (given) => (await import('../admin/command/index.ts')).runHealth(given),
    },
  },
  {
    about: 'List payments, or write them all as CSV.',
    command: {
      name: 'admin transactions list',
      usage: '[options]',
      about: [
        'Lists payments, the newest first. With --csv it writes all that fit the filters as one CSV file.',
      ],
      flags: {
        ...filterFlags,
        ...pageFlags,
        csv: { about: 'Write CSV, all pages.' },
        ...adminFlags,
      },
      operands: 0,
      sections: adminSections,
      examples: [
        'satway admin transactions list --service weather --from 2026-11-01',
        'satway admin transactions list --csv > payments.csv',
      ],
      run: async (given) => (await import('../admin/command/index.ts')).runTransactionsList(given),
    },
  },
  {
    about: 'Show payments, revenue and uses by service and day.',
    command: {
      name: 'admin stats',
      usage: '[options]',
      about: ['Shows payments, revenue and uses, by service and day. Days are those of UTC.'],
      flags: {
        days: { value: 'COUNT', about: 'How many days, today included. Default 7.' },
        service: { value: 'NAME', about: 'Only of this service.' },
        ...adminFlags,
      },
      operands: 0,
      sections: adminSections,
      examples: ['satway admin stats --days 30'],
      run: async (given) => (await import('../admin/command/index.ts')).runStats(given),
    },
  },
]
