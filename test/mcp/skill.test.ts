import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { approvalsCommands } from '../../program/src/cli/approvals-commands.ts'
import type { Command } from '../../program/src/cli/command.ts'
import { readCommandLine } from '../../program/src/cli/command.ts'
import { delegate } from '../../program/src/cli/delegate.ts'
import { doctor } from '../../program/src/cli/doctor.ts'
import { exitCodeMeanings } from '../../program/src/cli/exit-codes.ts'
import { get } from '../../program/src/cli/get.ts'
import { policyCommands } from '../../program/src/cli/policy.ts'
import { receiptsCommands } from '../../program/src/cli/receipts-commands.ts'
import { resume } from '../../program/src/cli/resume.ts'
import { tokensCommands } from '../../program/src/cli/tokens-commands.ts'
import {
  approvalView,
  callReport,
  delegatedToken,
  doctorReport,
  policyView,
  receiptView,
  spendingView,
  tokenView,
} from '../../program/src/schema/index.ts'
import { skipPart } from '../parts.ts'

const file = resolve(fileURLToPath(import.meta.url), '../../../skills/satway/SKILL.md')
const skill = readFileSync(file, 'utf8')
const lines = [...skill.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
  block.split('\n').filter((line) => line !== ''),
)

const groups = [approvalsCommands, policyCommands, receiptsCommands, tokensCommands].flat()
const commands: Command[] = [
  get,
  resume,
  delegate,
  doctor,
  ...(await Promise.all(groups.map(({ load }) => load()))),
]

/** As a shell splits it, as far as the skill needs that. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}

function commandOf(line: string): { readonly command: Command; readonly args: readonly string[] } {
  const [, ...rest] = words(line.split(/ [|>] /)[0]!)
  const command = commands.find(
    ({ name }) => rest.slice(0, name.split(' ').length).join(' ') === name,
  )
  if (command === undefined) throw new Error(`no such command: ${line}`)
  return { command, args: rest.slice(command.name.split(' ').length) }
}

const hash = 'ab'.repeat(32)
const moment = '2026-01-01T00:00:00Z'
const report: z.infer<typeof callReport> = {
  outcome: 'paid_delivered',
  method: 'GET',
  url: 'https://api.example.com/',
  status: 200,
  contentType: 'application/json',
  amountMsat: '10000',
  feeMsat: '0',
  maxFeeMsat: null,
  paymentHash: hash,
  resume: null,
  approvalId: null,
  dryRun: false,
  asks: null,
  quote: 'payable',
  output: null,
  credential: null,
  body: 'aGk=',
  bodyEncoding: 'base64',
  truncated: false,
  error: null,
  exitCode: 0,
}
const limit = { limitMsat: '1000', spentMsat: '1' }

/** What a command writes with --json: sound by its schema. */
const documents: Readonly<Record<string, unknown>> = {
  get: callReport.parse(report),
  resume: callReport.parse(report),
  doctor: doctorReport.parse({
    ok: false,
    checks: [{ name: 'wallet', verdict: 'failure', message: 'it does not answer', advice: null }],
  }),
  delegate: delegatedToken.parse({
    origin: 'https://api.example.com',
    authorization: 'L402 x:y',
    environment: "SATWAY_CREDENTIAL='x'",
    caveats: ['method=GET'],
    parent: 'ab',
    expiresAt: moment,
  }),
  'policy show': policyView.parse({
    file: null,
    inForce: true,
    mistakes: [],
    perPaymentMsat: '1',
    maxFeeMsat: null,
    perHourMsat: null,
    perDayMsat: '1',
    perHostMsat: null,
    totalMsat: '1',
    autoUpToMsat: null,
    newHosts: 'ask',
    allowHosts: null,
    denyHosts: [],
    allowPayees: null,
    denyPayees: [],
    networks: null,
    invoices: false,
  }),
  'policy spending': spendingView.parse({
    inForce: true,
    hour: limit,
    day: limit,
    total: limit,
    heldMsat: '0',
    payments: { settled: 0, unknown: 0, failed: 0 },
    byHost: [],
  }),
  'tokens list': [
    tokenView.parse({
      id: 'ab',
      origin: 'https://api.example.com',
      service: null,
      capability: null,
      target: 'GET /',
      standing: 'good',
      paymentHash: hash,
      amountMsat: '1',
      feeMsat: '0',
      boughtAt: moment,
      validUntil: moment,
      uses: null,
      usesSeen: 0,
      enforces: [],
    }),
  ],
  'receipts list': [
    receiptView.parse({
      seq: 1,
      time: moment,
      kind: 'settled',
      origin: 'https://api.example.com',
      method: 'GET',
      path: '/',
      paymentHash: hash,
      amountMsat: '10000',
      maxFeeMsat: null,
      feeMsat: '0',
      decidedBy: 'policy',
      code: null,
      reason: null,
      status: null,
    }),
  ],
  'approvals list': [
    approvalView.parse({
      id: 'k7m2p9xq',
      state: 'pending',
      askedBecause: 'new-host',
      origin: 'https://api.example.com',
      method: 'GET',
      url: 'https://api.example.com/',
      amountMsat: '1',
      maxFeeMsat: '1',
      payee: '02',
      description: '',
      capability: null,
      bodySha256: null,
      bodyBytes: null,
      createdAt: moment,
      expiresAt: moment,
    }),
  ],
}

describe('R-MCP-60 the skill', () => {
  test('says what it is for, in front', () => {
    expect(skill).toMatch(/^---\nname: satway\ndescription: .{100,1024}\n---\n/)
    expect(skill.split('\n').length).toBeLessThan(150)
  })

  test('names only commands and flags that exist', () => {
    const ours = lines.filter((line) => line.startsWith('satway '))
    expect(ours.length).toBeGreaterThan(12)
    for (const line of ours) {
      const { command, args } = commandOf(line)
      expect(() => readCommandLine(command, args), line).not.toThrow()
    }
    const named = [...skill.matchAll(/`satway ([a-z]+(?: [a-z]+)?)/g)].map(([, name]) => name!)
    const known = new Set([...commands.map(({ name }) => name), 'config set'])
    for (const name of named)
      expect(
        [name, name.split(' ')[0]!].some((one) => known.has(one)),
        name,
      ).toBe(true)
  })

  test('has an explanation of each exit code that a call can have', () => {
    const explained = [...skill.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
    const all = exitCodeMeanings.map(([code]) => code)
    expect(explained).toEqual(all.filter((code) => code !== 1 && code !== 2))
  })

  const filters = lines.filter((line) => / jq |^jq /.test(line))
  const lacksJq = spawnSync('jq', ['--version']).error !== undefined
  const skipped = skipPart('jq', lacksJq ? 'jq is not installed' : undefined)
  for (const line of filters) {
    test.skipIf(skipped)(`this works on what the program writes: ${line.slice(0, 70)}`, () => {
      const [command = '', filter = line] = line.split(' | jq ')
      const name = command === line ? 'get' : commandOf(command).command.name
      const args = words(filter.replace(/^jq /, '')).filter((word) => word !== 'answer.json')
      const run = spawnSync('jq', args, {
        input: JSON.stringify(documents[name]),
        encoding: 'utf8',
      })
      expect(run.stderr).toBe('')
      expect(run.status).toBe(0)
      expect(run.stdout.trim()).not.toBe('')
      expect(run.stdout).not.toContain('undefined')
    })
  }
})
