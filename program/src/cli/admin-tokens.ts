import type { AdminCommand } from './admin-flags.ts'
import { adminFlags, adminSections, filterFlags, pageFlags } from './admin-flags.ts'

/** What was sold, and what of it is refused. */
export const adminTokenCommands: readonly AdminCommand[] = [
  {
    about: 'List sold tokens.',
    command: {
      name: 'admin tokens list',
      usage: '[options]',
      about: ['Lists sold tokens, the newest first.'],
      flags: { ...filterFlags, ...pageFlags, ...adminFlags },
      operands: 0,
      sections: adminSections,
      examples: ['satway admin tokens list --state active --service weather'],
      run: async (given) => (await import('../admin/command/index.ts')).runTokensList(given),
    },
  },
  {
    about: 'Show one token.',
    command: {
      name: 'admin tokens show',
      usage: '[options] ID',
      about: [
        'Shows one token. ID is its token id or its payment hash, or the first 8 or more digits of one.',
      ],
      flags: adminFlags,
      operands: 1,
      sections: adminSections,
      examples: ['satway admin tokens show d1f4c2a09b7e'],
      run: async (given) => (await import('../admin/command/index.ts')).runTokensShow(given),
    },
  },
  {
    about: 'Revoke a token or a delegation.',
    command: {
      name: 'admin revoke',
      usage: '[options] ID',
      about: [
        'Revokes a token, with all copies that were made of it. It is refused on all workers within 5 seconds.',
        'ID is a token id or a payment hash, or the first 8 or more digits of one. One that was never seen is refused, so that a typing error does not look like success.',
        'With --delegation it is a delegation id (did= in a token), which ends that delegation and leaves its parent alone.',
      ],
      flags: {
        reason: { value: 'TEXT', about: 'Why, for the list. At most 200 characters.' },
        delegation: { about: 'ID is a delegation id.' },
        unseen: { about: 'Deny a token before it was ever used. ID is then all 64 digits.' },
        ...adminFlags,
      },
      operands: 1,
      sections: adminSections,
      examples: [
        'satway admin revoke d1f4c2a09b7e --reason "leaked in a repository"',
        'satway admin revoke --delegation agent-7',
      ],
      run: async (given) => (await import('../admin/command/index.ts')).runRevoke(given),
    },
  },
  {
    about: 'List what is revoked.',
    command: {
      name: 'admin revocations list',
      usage: '[options]',
      about: ['Lists what is revoked, and why.'],
      flags: adminFlags,
      operands: 0,
      sections: adminSections,
      examples: ['satway admin revocations list'],
      run: async (given) => (await import('../admin/command/index.ts')).runRevocationsList(given),
    },
  },
  {
    about: 'Take a revocation back.',
    command: {
      name: 'admin unrevoke',
      usage: '[options] ID',
      about: ['Takes a revocation back: the token works again.'],
      flags: adminFlags,
      operands: 1,
      sections: adminSections,
      examples: ['satway admin unrevoke d1f4c2a09b7e'],
      run: async (given) => (await import('../admin/command/index.ts')).runUnrevoke(given),
    },
  },
]
