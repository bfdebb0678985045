import { dirname, posix } from 'node:path'

/** What an adapter of a wallet is made of. */
const adapter = ['errors', 'bytes', 'amount', 'invoice', 'lightning', 'lightning/adapter']

/** What the house allows. A new folder is a line here; the order is the direction of imports. */
const folders: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  amount: ['errors'],
  bytes: ['errors'],
  invoice: ['errors', 'bytes', 'amount'],
  macaroon: ['errors', 'bytes'],
  l402: ['errors', 'bytes', 'amount', 'invoice', 'macaroon'],
  lightning: ['errors', 'bytes', 'amount', 'invoice'],
  'lightning/devnet': ['errors', 'bytes', 'amount', 'invoice', 'lightning'],
  'lightning/web-socket': ['bytes'],
  'lightning/adapter': [
    'errors',
    'bytes',
    'amount',
    'invoice',
    'lightning',
    'lightning/web-socket',
  ],
  'lightning/http-wallet': [...adapter],
  'lightning/lnd': [...adapter, 'macaroon'],
  'lightning/cln': [...adapter],
  'lightning/phoenixd': [...adapter],
  'lightning/lnbits': [...adapter],
  'lightning/btcpay': [...adapter],
  'lightning/charge': [...adapter],
  'lightning/lnurl': [...adapter],
  'lightning/nostr': ['errors', 'bytes', 'lightning/web-socket', 'lightning/adapter'],
  'lightning/nwc': [...adapter, 'lightning/nostr'],
  'lightning/wallet': [
    ...adapter,
    'lightning/devnet',
    'lightning/http-wallet',
    'lightning/lnd',
    'lightning/cln',
    'lightning/phoenixd',
    'lightning/lnbits',
    'lightning/btcpay',
    'lightning/charge',
    'lightning/lnurl',
    'lightning/nwc',
  ],
  server: ['errors', 'bytes', 'amount', 'invoice', 'macaroon', 'l402', 'lightning'],
  client: ['errors', 'bytes', 'amount', 'invoice', 'macaroon', 'l402', 'lightning'],
  journal: ['errors', 'bytes', 'amount', 'invoice', 'l402', 'client'],
  transport: ['errors', 'client'],
  'middleware/web': ['errors', 'bytes', 'server'],
  'middleware/node-http': ['errors', 'bytes', 'server'],
  'middleware/hono': ['errors', 'bytes', 'server', 'middleware/web', 'middleware/node-http'],
  'middleware/express': ['errors', 'bytes', 'server', 'middleware/node-http'],
  testing: [
    'errors',
    'bytes',
    'amount',
    'invoice',
    'macaroon',
    'l402',
    'lightning',
    'lightning/devnet',
    'testing/look-alike',
  ],
  'testing/look-alike': [
    'errors',
    'bytes',
    'amount',
    'invoice',
    'macaroon',
    'lightning',
    'lightning/adapter',
    'lightning/devnet',
    'lightning/nostr',
    'lightning/web-socket',
  ],
  // The root of the package: what an application needs to read and write the protocol.
  index: ['errors', 'amount', 'bytes', 'invoice', 'l402'],
}

/** Which outside modules a folder may load. */
const modules: Readonly<Record<string, readonly string[]>> = {
  bytes: ['@noble/hashes/sha2.js'],
  invoice: ['@noble/curves/secp256k1.js'],
  macaroon: ['@noble/ciphers/salsa.js'],
  'lightning/devnet': ['@noble/curves/secp256k1.js', 'node:'],
  'lightning/web-socket': ['node:'],
  'lightning/adapter': ['node:'],
  'lightning/cln': ['node:'],
  'lightning/nostr': [
    '@noble/ciphers/aes.js',
    '@noble/ciphers/chacha.js',
    '@noble/curves/secp256k1.js',
  ],
  'lightning/wallet': ['node:'],
  'testing/look-alike': ['node:'],
  'middleware/node-http': ['node:'],
  'middleware/hono': ['hono', 'node:'],
  'middleware/express': ['express', 'node:'],
  client: [],
  journal: ['node:'],
  transport: ['node:'],
}

/**
 * Parts of the program that have a door, and the parts that each may import. `get` and `mcp` are two
 * faces of one agent and know nothing of each other. Parts that are not here may import any.
 */
const parts: Readonly<Record<string, readonly string[]>> = {
  schema: [],
  keys: ['cli'],
  agent: ['cli', 'desk', 'keys', 'schema'],
  desk: ['agent', 'cli'],
  approvals: ['cli', 'desk', 'schema'],
  tokens: ['cli', 'desk', 'schema'],
  receipts: ['cli', 'desk', 'schema', 'tokens'],
  delegation: ['cli', 'desk', 'schema', 'tokens'],
  'wallet-proxy': ['agent', 'cli', 'desk', 'keys', 'schema'],
  'published-schema': ['cli', 'desk', 'schema'],
  get: ['agent', 'cli', 'schema'],
  mcp: [
    'agent',
    'cli',
    'delegation',
    'desk',
    'keys',
    'receipts',
    'schema',
    'tokens',
    'wallet-proxy',
  ],
  admin: ['cli', 'gateway', 'keys'],
}
/** What is behind a door and let in all the same: what a command loads, and nothing beside it. */
const rooms: ReadonlySet<string> = new Set([
  'admin/control.ts',
  'get/get.ts',
  'get/resume.ts',
  'keys/file-lock.ts',
  'keys/private-file.ts',
  'mcp/run.ts',
])

/** Folders that compute and nothing else. */
const pure = ['amount', 'bytes', 'invoice', 'macaroon', 'l402']
const impure =
  /\b(Date\.now|new Date\(\)|performance\.|fetch\(|process\.env|Math\.random|setTimeout|setInterval|WebSocket)/
/** The operating system's generator is let in at one named place. */
const impureExceptions: readonly string[] = []

const sayNothing = /^(utils?|helpers?|common|misc|types|shared|lib)$/
const maxLines = 400

export type SourceFile = { readonly path: string; readonly text: string }

/** Every breach of the house's rules, as sentences. */
export function findViolations(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap((file) => [...violationsOf(file)])
}

function* violationsOf(file: SourceFile): Generator<string> {
  const { path } = file
  const code = withoutComments(file.text)

  const names = path.replace(/\.ts$/, '').split('/')
  for (const name of names) {
    if (sayNothing.test(name)) yield `${path}: the name "${name}" says nothing`
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) yield `${path}: names are kebab-case`
  }
  if (file.text.split('\n').length - 1 > maxLines) yield `${path}: more than ${maxLines} lines`
  if (/^export \*/m.test(code)) yield `${path}: export * hides what a folder gives`
  if (/^export default\b/m.test(code)) yield `${path}: no default exports`

  if (path.startsWith('program/')) {
    for (const target of imports(code)) {
      if (target.startsWith('.') && posix.join(dirname(path), target).startsWith('library/')) {
        yield `${path}: imports the library by a relative path`
      }
      if (target.startsWith('satway/dist')) yield `${path}: imports past the package's exports`
      if (target.startsWith('.') && isPastDoor(path, posix.join(dirname(path), target))) {
        yield `${path}: imports past the door of a part of the gateway`
      }
      if (target.startsWith('.')) yield* partViolation(path, posix.join(dirname(path), target))
    }
    return
  }

  const folder = folderOf(path)
  const allowed = folders[folder]
  if (allowed === undefined) {
    // A name that says nothing was already reported.
    if (!names.some((name) => sayNothing.test(name)))
      yield `${path}: folder "${folder}" is not in the table`
    return
  }
  if (pure.includes(folder) && impure.test(code) && !impureExceptions.includes(path)) {
    yield `${path}: a pure folder knows no clock, network, environment or chance`
  }
  for (const target of imports(code)) yield* importViolation(path, folder, allowed, target)
}

function* importViolation(
  path: string,
  folder: string,
  allowed: readonly string[],
  target: string,
): Generator<string> {
  if (!target.startsWith('.')) {
    const known = modules[folder] ?? []
    if (
      known.some(
        (module) => target === module || (module.endsWith(':') && target.startsWith(module)),
      )
    )
      return
    yield `${path}: may not load "${target}"`
    return
  }
  const absolute = posix.join(dirname(path), target)
  const to = folderOf(absolute)
  if (to === folder) return
  if (!allowed.includes(to)) yield `${path}: "${folder}" may not import "${to}"`
  else if (to !== 'errors' && !absolute.endsWith('/index.ts'))
    yield `${path}: imports past the door of "${to}"`
}

/** Whether one part of the gateway reaches into another one, past its `index.ts`. */
function isPastDoor(path: string, target: string): boolean {
  const part = /^program\/src\/gateway\/([^/]+)\//
  const to = part.exec(target)?.[1]
  if (to === undefined || target.endsWith('/index.ts')) return false
  return path.startsWith('program/') && part.exec(path)?.[1] !== to
}

function* partViolation(path: string, target: string): Generator<string> {
  const from = partOf(path)
  const to = partOf(target)
  if (to === undefined || from === to) return
  const allowed = from === undefined ? undefined : parts[from]
  if (allowed?.includes(to) === false) yield `${path}: "${from}" may not import "${to}"`
  const inside = target.replace(/^program\/src\//, '')
  if (Object.hasOwn(parts, to) && !inside.endsWith('/index.ts') && !rooms.has(inside)) {
    yield `${path}: imports past the door of "${to}"`
  }
}

/** `program/src/agent/home.ts` is in `agent`; `program/src/main.ts` in none. */
function partOf(path: string): string | undefined {
  return /^program\/src\/([^/]+)\//.exec(path)?.[1]
}

/** `library/src/lightning/devnet/wallet.ts` is in `lightning/devnet`; `library/src/errors.ts` is `errors`. */
function folderOf(path: string): string {
  const inside = path.replace(/^library\/src\//, '')
  const folder = dirname(inside)
  if (folder === '.') return inside.replace(/\.ts$/, '')
  return folder
}

function imports(code: string): string[] {
  const targets: string[] = []
  for (const match of code.matchAll(/(?:\bfrom|^import|\bimport\()\s*'([^']+)'/gm))
    targets.push(match[1]!)
  return targets
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}
