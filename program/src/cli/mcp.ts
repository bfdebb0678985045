import type { Command } from './command.ts'

/** `satway mcp`. */
export const mcp: Command = {
  name: 'mcp',
  usage: '[options]',
  about: [
    'Serves tools to a model over MCP: fetch, quote, resume, spending, tokens, receipts, wallet_status, delegate. They spend within your policy, and none of them can change it, approve a payment, or write outside the download folder.',
    'Without options it talks over standard input and output, to the program that started it. What needs your approval waits in `satway approvals list`.',
    'SIGTERM, Ctrl-C and the end of the input stop it: calls are ended, and how they ended is written down.',
  ],
  flags: {
    http: {
      value: '[HOST:]PORT',
      about:
        'Streamable HTTP at /mcp instead, on this machine alone. Clients send the token in ~/.satway/mcp.token as Authorization: Bearer.',
    },
    'allow-host': {
      value: 'NAME',
      repeats: true,
      about:
        'With --http: a name that clients may call this server by, beside localhost. Needed to listen where others can reach it.',
    },
    'allow-delegate': {
      about: 'Let the tool delegate give narrower tokens away. Their credential goes to the model.',
    },
    wallet: {
      value: 'WALLET',
      about:
        'Who pays, by its URI (satway help config set). Default: your configuration, then SATWAY_WALLET, then a running demo.',
    },
  },
  operands: 0,
  sections: [
    {
      title: 'Exit codes',
      rows: [
        ['0', 'stopped when it was asked to, or the client is gone'],
        ['1', 'could not start, or could not go on; the message says why'],
        ['2', 'the command line has a mistake'],
      ],
    },
  ],
  examples: ['satway mcp', 'satway mcp --http 8404'],
  run: async (given) => (await import('../mcp/run.ts')).runMcp(given),
}
