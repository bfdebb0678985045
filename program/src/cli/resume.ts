import type { Command } from './command.ts'
import { exitCodeMeanings } from './exit-codes.ts'

/** `satway resume`. */
export const resume: Command = {
  name: 'resume',
  usage: '[options] [PAYMENT_HASH]',
  about: [
    'Goes on with a purchase that has no end, or was paid for and did not come, and never pays: it asks the wallet how the payment ended, and sends the request again with what was bought.',
    'Without a payment hash it lists what can be gone on with. Method and URL are in the journal; headers and body were not kept, and have to be given again. The first 8 digits of a hash are enough when no other begins so.',
  ],
  flags: {
    data: {
      short: 'd',
      value: 'DATA',
      about: 'The body once more; @FILE reads it from a file, @- from standard input.',
    },
    'content-type': {
      value: 'TYPE',
      about: 'What --data is. Default: JSON where it is JSON, else text or bytes.',
    },
    header: {
      short: 'H',
      value: 'LINE',
      repeats: true,
      about: 'Header to send, as "Name: value"; @FILE reads lines from a file.',
    },
    output: {
      short: 'o',
      value: 'FILE',
      about: 'Write the body to a file, when the request succeeds. - is standard output.',
    },
    'remote-name': {
      short: 'O',
      about: 'Write it to a file here that is called as the URL ends, without the query.',
    },
    'no-progress': { about: 'Show no progress of a download.' },
    wallet: {
      value: 'WALLET',
      about: 'Who is asked how the payment ended. Default: as with `satway get`.',
    },
    insecure: { short: 'k', about: 'Accept any certificate. For your own tests.' },
    timeout: { value: 'SECONDS', about: 'For the server, until the body begins. Default 60.' },
    json: { about: 'Write one JSON document: the outcome and the body, or the list.' },
    human: { about: 'Write the body and a summary. That is the default.' },
    quiet: { short: 'q', about: 'No summary of a success, no progress, no warning.' },
    verbose: { short: 'v', about: 'Show every step on standard error, with its time. No secrets.' },
  },
  operands: 0,
  optionalOperands: 1,
  sections: [
    {
      title: 'Exit codes',
      rows: exitCodeMeanings.map(([code, what]) => [`${code}`, what]),
    },
  ],
  examples: ['satway resume', 'satway resume 6dbd7a1c2e3f -d @order.json'],
  run: async (given) => {
    const { requireOutsideHome } = await import('../agent/index.ts')
    requireOutsideHome(given)
    return await (await import('../get/resume.ts')).runResume(given)
  },
}
