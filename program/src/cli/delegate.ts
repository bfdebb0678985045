import type { Command } from './command.ts'

/** `satway delegate`. */
export const delegate: Command = {
  name: 'delegate',
  usage: '--token ID|ORIGIN [options]',
  about: [
    'Makes a narrower copy of a token that you bought, for somebody else: another program, another agent, another machine. Whoever gets it needs no wallet, can never pay, and can do no more than the conditions say. Nothing is asked of the server.',
    'The server enforces the conditions, so only those are used that it said it enforces. Your own token stays as it is. The copy is written to standard output.',
  ],
  flags: {
    token: {
      value: 'ID|ORIGIN',
      about: 'Which token: its id or payment hash, or 8 or more digits of one; or its seller.',
    },
    uses: { value: 'COUNT', about: 'So many requests.' },
    spend: { value: 'AMOUNT', about: 'Requests that cost so much together: 500 or 500sat.' },
    expires: { value: 'WHEN', about: 'After 30m, 1h, 2d, or at 2026-03-01T12:00:00Z.' },
    path: { value: 'PATH', about: 'Only this path, or all below one: /v1/x, /v1/*.' },
    method: { value: 'METHOD', about: 'Only this method, or several: GET,POST.' },
    ip: { value: 'ADDRESS', about: 'Only from this address or block: 203.0.113.0/24.' },
    caveat: {
      value: 'TEXT',
      repeats: true,
      about: 'Any other condition, as it stands in a token: "origin=https://app.example".',
    },
    name: {
      value: 'ID',
      about:
        'The delegation id (did): the seller can revoke the copy by it, and leave yours alone. Copies of one name share a count. Default: 16 random hex digits, where the server knows such ids.',
    },
    form: {
      value: 'FORM',
      about:
        'header: an Authorization line. env: an export of SATWAY_CREDENTIAL for a shell. json. Default header.',
    },
    json: { about: 'The same as --form json.' },
    force: {
      about:
        'Also with conditions that the server does not say it enforces: it may ignore them, and the copy may then do everything.',
    },
  },
  operands: 0,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'done'],
        ['1', 'there is no such token, or several'],
        ['2', 'the command line has a mistake'],
        ['3', 'refused: the server does not say it enforces this, or the token opens nothing now'],
      ],
    },
  ],
  examples: [
    'satway delegate --token api.example.com --uses 10 --expires 1h --path /v1/x --method GET',
    'eval "$(satway delegate --token 5d41402a --spend 500sat --form env)"',
  ],
  run: async (given) => (await import('../delegation/index.ts')).runDelegate(given),
}
