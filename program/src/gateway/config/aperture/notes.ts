/** What became of one setting. */
export type Note = {
  /**
   * - `danger`: it let people in without payment, and nobody may have known.
   * - `carried`: it is there, and does the same.
   * - `changed`: it is there, and does not do quite the same.
   * - `left-out`: it is not there.
   * - `fill-in`: somebody has to say more before it works.
   */
  readonly kind: 'danger' | 'carried' | 'changed' | 'left-out' | 'fill-in'
  /** As Aperture's file has it: `services[0].hostregexp`. */
  readonly path: string
  readonly message: string
}

/** Takes a note on a member of a service. */
export type Noting = (kind: Note['kind'], member: string, message: string) => void

/** What Aperture understands, in its own spelling. Of anything else it said nothing. */
const knownKeys: Readonly<Record<string, readonly string[]>> = {
  '': [
    ...['listenaddr', 'servername', 'autocert', 'insecure', 'staticroot', 'servestatic'],
    ...['dbbackend', 'debuglevel', 'configfile', 'basedir', 'profile', 'idletimeout'],
    ...['readtimeout', 'writetimeout', 'invoicebatchsize', 'strictverify', 'wspinginterval'],
    ...['wspongwait', 'blocklist', 'sqlite', 'postgres', 'etcd', 'authenticator', 'tor'],
    ...['hashmail', 'prometheus', 'admin', 'logging', 'services'],
  ],
  sqlite: ['skipmigrations', 'databasefilename'],
  postgres: [
    ...['skipmigrations', 'host', 'port', 'user', 'password', 'dbname'],
    ...['maxopenconnections', 'requiressl'],
  ],
  etcd: ['host', 'user', 'password'],
  authenticator: [
    ...['network', 'disable', 'lndhost', 'tlspath', 'macdir', 'passphrase', 'mailboxaddress'],
    ...['devserver', 'wavelengthgateway', 'wavelengthmacaroonpath', 'enablempp', 'mpprealm'],
    ...['enablesessions', 'sessiondepositmultiplier', 'sessionidletimeout'],
  ],
  tor: ['control', 'listenport', 'virtualport', 'v3'],
  hashmail: ['enabled', 'messagerate', 'messageburstallowance', 'staletimeout'],
  prometheus: ['enabled', 'listenaddr'],
  admin: ['enabled', 'macaroonpath', 'corsorigins'],
  'services[]': [
    ...['name', 'tlscertpath', 'address', 'protocol', 'auth', 'authscheme', 'hostregexp'],
    ...['pathregexp', 'headers', 'timeout', 'capabilities', 'constraints', 'price'],
    ...['dynamicprice', 'authwhitelistpaths', 'authskipinvoicecreationpaths', 'ratelimits'],
    'rewrite',
  ],
  'services[].dynamicprice': [
    ...['enabled', 'grpcaddress', 'insecure', 'tlscertpath', 'metered', 'usagetailbytes'],
  ],
  'services[].ratelimits[]': ['pathregexp', 'requests', 'per', 'burst'],
  'services[].rewrite': ['prefix'],
}

/** Notes on the names of a mapping that Aperture itself overlooks. */
export function findIgnored(mapping: object, form: string, path: string): readonly Note[] {
  const known = knownKeys[form] ?? []
  return Object.keys(mapping)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      kind: 'left-out',
      path: path === '' ? name : `${path}.${name}`,
      message: 'Aperture does not know it and overlooked it: it never did anything',
    }))
}
