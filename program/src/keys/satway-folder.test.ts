import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inSatwayFolder } from './satway-folder.ts'

test.each([
  [{ SATWAY_HOME: '/srv/satway', HOME: '/home/me' }, '/srv/satway/x'],
  [{ SATWAY_HOME: '', HOME: '/home/me' }, '/home/me/.satway/x'],
  [{ HOME: '/home/me' }, '/home/me/.satway/x'],
  [{ HOME: '' }, join(homedir(), '.satway/x')],
])(
  'R-CONF-18 what Satway keeps for itself is in SATWAY_HOME, or in the home: %o',
  (environment, file) => {
    expect(inSatwayFolder('x', environment)).toBe(file)
  },
)
