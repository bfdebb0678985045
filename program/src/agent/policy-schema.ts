import { hostPatternForm } from './host-pattern.ts'
import { networkNames, newHostWords } from './policy-rules.ts'
import { amountPattern, publicKeyPattern } from './settings-rules.ts'

const amount = (description: string): object => ({
  description,
  type: 'string',
  pattern: amountPattern,
})

const hosts = (description: string): object => ({
  description,
  type: 'array',
  items: { $ref: '#/$defs/host' },
})

const keys = (description: string): object => ({
  description,
  type: 'array',
  items: { $ref: '#/$defs/publicKey' },
})

/**
 * What a policy file looks like, as JSON Schema 2020-12. For editors; the program's own check also
 * refuses names that no URL can hold.
 *
 * @spec agent.md R-POL-5
 */
export const policySchema: Readonly<Record<string, unknown>> = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'The policy of a Satway agent',
  description: 'What may be paid. Amounts are text with a unit, such as "100 sat".',
  type: 'object',
  additionalProperties: false,
  required: ['version', 'per_payment', 'total'],
  properties: {
    version: { description: 'The form of this file.', type: 'number', const: 1 },
    per_payment: amount('The most that one payment may cost, fee included.'),
    max_fee: amount(
      'The most that the route may take. Without it: the larger of 5 sat and 1 % of the price.',
    ),
    per_hour: amount('In any 60 minutes, fees included. Without it: no limit of its own.'),
    per_day: amount('In any 24 hours, fees included. Without it: no limit of its own.'),
    per_host: amount('At one host in all, fees included. Without it: no limit of its own.'),
    total: amount('In all, fees included, for as long as the journal remembers.'),
    auto_up_to: amount(
      'What costs more, fee ceiling included, is asked about. Without it nothing is, for its price.',
    ),
    new_hosts: {
      description: 'The first payment at a host: allowed (the default), asked about, or refused.',
      enum: [...newHostWords],
    },
    hosts: {
      description: 'Hosts that may be paid. Default: all.',
      type: 'object',
      additionalProperties: false,
      properties: {
        allow: hosts('These and no others. An empty list allows none.'),
        deny: hosts('Not these, whatever `allow` says.'),
      },
    },
    payees: {
      description: 'Nodes that may be paid: the key that signs the invoice. Default: all.',
      type: 'object',
      additionalProperties: false,
      properties: {
        allow: keys('These and no others. An empty list allows none.'),
        deny: keys('Not these, whatever `allow` says.'),
      },
    },
    networks: {
      description: 'Networks on which may be paid. Default: the wallet’s.',
      type: 'array',
      minItems: 1,
      items: { enum: [...networkNames] },
    },
    allow_http: hosts('Hosts where plain http is good enough. This machine and .onion always are.'),
    allow_private: hosts(
      'Hosts on this machine or in a private network that a stranger’s URL may lead to.',
    ),
    opaque_tokens: {
      description: 'Whether a token that cannot be read may be paid for. Default true.',
      type: 'boolean',
    },
    invoices: {
      description: 'Whether bare invoices may be paid, as the wallet proxy does. Default false.',
      type: 'boolean',
    },
    max_undelivered: {
      description: 'How much a host may owe before nothing more is paid there. Default 3.',
      type: 'integer',
      minimum: 1,
      maximum: 100,
    },
  },
  $defs: {
    host: {
      description: 'api.example.com, *.example.com (what is below it), localhost:8080.',
      type: 'string',
      pattern: hostPatternForm,
    },
    publicKey: {
      description: 'The public key of a node, 66 hex digits.',
      type: 'string',
      pattern: publicKeyPattern,
    },
  },
}
