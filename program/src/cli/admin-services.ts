import type { AdminCommand } from './admin-flags.ts'
import { adminFlags, adminSections } from './admin-flags.ts'

const document =
  'FILE is one member of `services` of the configuration file, as YAML or JSON; - is standard input. References to the environment and to files are read by the gateway.'

/** The services of the gateway. */
export const adminServiceCommands: readonly AdminCommand[] = [
  {
    about: 'List the services.',
    command: {
      name: 'admin services list',
      usage: '[options]',
      about: ['Lists the services, of the configuration file and of the admin API.'],
      flags: adminFlags,
      operands: 0,
      sections: adminSections,
      examples: ['satway admin services list'],
      run: async (given) => (await import('../admin/command/index.ts')).runServicesList(given),
    },
  },
  {
    about: 'Show the whole definition of a service.',
    command: {
      name: 'admin services show',
      usage: '[options] NAME',
      about: ['Shows the whole definition of a service: YAML on a terminal, JSON in a pipe.'],
      flags: adminFlags,
      operands: 1,
      sections: adminSections,
      examples: ['satway admin services show weather'],
      run: async (given) => (await import('../admin/command/index.ts')).runServicesShow(given),
    },
  },
  {
    about: 'Make a service.',
    command: {
      name: 'admin services create',
      usage: '[options] FILE',
      about: [
        'Makes a service. It serves at once, on all workers, and is kept across restarts.',
        document,
      ],
      flags: adminFlags,
      operands: 1,
      sections: adminSections,
      examples: ['satway admin services create weather.yaml'],
      run: async (given) => (await import('../admin/command/index.ts')).runServicesCreate(given),
    },
  },
  {
    about: 'Replace the whole definition of a service.',
    command: {
      name: 'admin services replace',
      usage: '[options] FILE',
      about: [
        'Replaces the whole definition of the service that FILE names. Open requests go on as they began.',
        document,
        'What `satway admin services show` prints into a file can be changed there and given back.',
      ],
      flags: adminFlags,
      operands: 1,
      sections: adminSections,
      examples: ['satway admin services replace weather.yaml'],
      run: async (given) => (await import('../admin/command/index.ts')).runServicesReplace(given),
    },
  },
  {
    about: 'Delete a service.',
    command: {
      name: 'admin services delete',
      usage: '[options] NAME',
      about: [
        'Deletes a service that was made through the admin API. What was sold for it opens nothing any more.',
      ],
      flags: adminFlags,
      operands: 1,
      sections: adminSections,
      examples: ['satway admin services delete weather'],
      run: async (given) => (await import('../admin/command/index.ts')).runServicesDelete(given),
    },
  },
  {
    about: 'Read the configuration file again.',
    command: {
      name: 'admin reload',
      usage: '[options]',
      about: [
        'Lets the gateway read its configuration file again. With a mistake in it, all of them are listed, and the old configuration goes on. Open requests are not disturbed. Settings that need a restart are named.',
      ],
      flags: adminFlags,
      operands: 0,
      sections: adminSections,
      examples: ['satway admin reload'],
      run: async (given) => (await import('../admin/command/index.ts')).runReload(given),
    },
  },
]
