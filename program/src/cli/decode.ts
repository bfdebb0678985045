import type { Command } from './command.ts'

/** `satway decode`. */
export const decode: Command = {
  name: 'decode',
  usage: '[options] TEXT',
  about: [
    'Shows what TEXT says. It may be a BOLT 11 invoice, a macaroon (base64 in any spelling, hex or JSON), a challenge (a WWW-Authenticate line or its value), a credential (an Authorization line or its value), or a whole HTTP response that carries one of these: what curl prints, with or without -i or -v.',
    'TEXT is - to read it from standard input, which also keeps it out of the list of processes.',
    'Writes text to a terminal and JSON to a pipe. Nothing is sent anywhere. Whatever opens a paid resource is a secret: tokens, signatures and preimages are shown by fingerprint only.',
  ],
  flags: {
    json: { about: 'Write JSON, also to a terminal.' },
    text: { about: 'Write text, also to a pipe.' },
    'show-secrets': { about: 'Show tokens, signatures and preimages in full.' },
  },
  operands: 1,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'it is well formed'],
        ['1', 'it is not, or its signature or proof is wrong, or it is of a kind not decoded here'],
        ['2', 'the command line has a mistake'],
      ],
    },
  ],
  examples: ['satway decode lnbc2500u1pvjluezsp5...', 'curl -si URL | satway decode -'],
  run: async (given) => (await import('../decode/decode.ts')).runDecode(given),
}
